"""Access lists from the apps' `metadata/default.meta` and `local.meta`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lab.splunkd.entry import Acl
from lab.splunkd.python.splunk.clilib import conffile
from lab.splunkd.refusal import no_access

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lab.splunkd.users import User

_ACCESS = re.compile(r"(read|write)\s*:\s*\[([^\]]*)\]")
# What splunkd assumes where no meta file speaks.
_DEFAULT = {"access": "read : [ * ], write : [ admin ]", "export": "none", "owner": "nobody"}


class Permissions:
    """Who may read and write what, by app, kind of object and name.

    Args:
        home: `$SPLUNK_HOME`.
    """

    def __init__(self, home: Path) -> None:
        self._home = home

    def acl(self, app: str, kind: str, name: str, user: User, *, removable: bool = True) -> Acl:
        """Return the access list of an object as `user` sees it.

        Args:
            app: the app that holds it.
            kind: its kind in meta files: `collections`, `passwords` or the name of a conf file.
            name: its name; a stanza's, a collection's.
            user: the caller.
            removable: whether it can be deleted at all.
        """
        settings = self._settings(app, kind, name)
        access = {what: _roles(roles) for what, roles in _ACCESS.findall(settings["access"])}
        read, write = access.get("read", ()), access.get("write", ())
        can_write = allows(write, user)
        sharing = "global" if settings.get("export") == "system" else "app"
        return Acl(app, settings["owner"], sharing, read, write, can_write, removable and can_write)

    def exported(self, app: str, kind: str, name: str) -> bool:
        """Return whether other apps see the object."""
        return app == "system" or self._settings(app, kind, name).get("export") == "system"

    def _settings(self, app: str, kind: str, name: str) -> Mapping[str, str]:
        meta = self._home / "etc" / ("system" if app == "system" else f"apps/{app}") / "metadata"
        merged = dict(_DEFAULT)
        files = [conffile.read(str(meta / file)) for file in ("default.meta", "local.meta")]
        for stanza in ("", kind, f"{kind}/{name}"):
            for file in files:
                merged |= file.get(stanza, {})
        return merged


def allows(roles: tuple[str, ...], user: User) -> bool:
    """Return whether an access list lets `user` in."""
    return "*" in roles or "admin" in user.roles or user.is_system or not set(roles).isdisjoint(user.all_roles)


def require_read(acl: Acl, user: User) -> None:
    """Refuse with 403 unless `user` may read."""
    if not allows(acl.read, user):
        raise no_access()


def require_write(acl: Acl, user: User) -> None:
    """Refuse with 403 unless `user` may write."""
    if not allows(acl.write, user):
        raise no_access()


def _roles(text: str) -> tuple[str, ...]:
    return tuple(role.strip() for role in text.split(",") if role.strip())
