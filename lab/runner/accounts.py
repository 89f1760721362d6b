"""The add-on's SOAR accounts, configured through the add-on's own REST endpoint."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.runner.management import Management, segment

if TYPE_CHECKING:
    from collections.abc import Mapping

_ALL = {"count": "0"}
_SEPARATOR = "``splunk_cred_sep``"
"""Between an account's name and the number of a piece of its secret; the piece that marks the end begins with it."""


@dataclass(frozen=True)
class Account:
    """One account.

    Args:
        name: how actions name it.
        url: SOAR's address.
        token: the automation user's token; not in ``repr``.
        ca_certificate: PEM of the authority that signed SOAR's certificate; "" for public ones.
    """

    name: str
    url: str
    token: str = field(repr=False)
    ca_certificate: str = field(repr=False)

    def same(self, other: Account) -> bool:
        """Tell whether both lead to the same SOAR with the same rights, line breaks around a certificate aside."""
        return (self.url, self.token, self.ca_certificate.strip()) == (
            other.url,
            other.token,
            other.ca_certificate.strip(),
        )

    def fields(self) -> dict[str, str]:
        """Give what the account page posts."""
        return {
            "url": self.url,
            "auth_type": "token",
            "token": self.token,
            "ca_certificate": self.ca_certificate,
        }


class Accounts:
    """The accounts that the installed add-on has.

    Args:
        management: splunkd.
        app: the add-on.
    """

    def __init__(self, management: Management, app: str) -> None:
        self._management = management
        self._app = app
        self._path = f"/servicesNS/nobody/{app}/{app.lower()}_account"

    def find(self, name: str) -> Account | None:
        """Read an account with its secret, as the add-on's actions do; None when there is none of this name."""
        content = self._contents().get(name)
        if content is None:
            return None
        return Account(
            name=name,
            url=content.get("url") or "",
            token=self._secrets(name).get("token", ""),
            ca_certificate=content.get("ca_certificate") or "",
        )

    def feedback_scopes(self) -> dict[str, str]:
        """Say for each account what is brought back from it; "" where nothing is set."""
        entries = self._management.get(self._path, count="0") or []
        return {entry["name"]: entry["content"].get("feedback") or "" for entry in entries}

    def save(self, account: Account, *, exists: bool) -> None:
        """Create the account, or change the one that exists; the first one becomes the default.

        The connection is not tested: what a SOAR that is not there means for an alert is what the lab is to show.

        Raises:
            LabError: the add-on refused it, in its words.
        """
        fields = {**account.fields(), "skip_test": "1"}
        if exists:
            self._management.post(f"{self._path}/{segment(account.name)}", fields)
        else:
            default = "0" if self._contents() else "1"
            self._management.post(self._path, {"name": account.name, "is_default": default, **fields})

    def poll_every(self, name: str, seconds: int) -> None:
        """Let the feedback input ask the account's SOAR that often.

        Raises:
            LabError: the add-on refused it, in its words.
        """
        self._set(name, feedback_interval=str(seconds))

    def bring_back(self, name: str, scope: str) -> None:
        """Say what the feedback input brings back from the account's SOAR, such as ``off``.

        Raises:
            LabError: the add-on refused it, in its words.
        """
        self._set(name, feedback=scope)

    def _set(self, name: str, **fields: str) -> None:
        self._management.post(f"{self._path}/{segment(name)}", {**fields, "skip_test": "1"})

    def _contents(self) -> dict[str, Mapping[str, str]]:
        return {entry["name"]: entry["content"] for entry in self._management.get(self._path, **_ALL) or []}

    def _secrets(self, name: str) -> dict[str, str]:
        """Put a secret together from the pieces in splunkd's password store (splunkd reference, 2.4)."""
        entries = self._management.get(f"/servicesNS/nobody/{self._app}/storage/passwords", **_ALL) or []
        pieces: dict[int, str] = {}
        for entry in entries:
            content = entry["content"]
            stanza, _, number = str(content["username"]).rpartition(_SEPARATOR)
            if stanza == name and str(content["realm"]).endswith(f"conf-{self._app.lower()}_account"):
                pieces[int(number)] = str(content["clear_password"])
        text = ""
        for _, piece in sorted(pieces.items()):
            if piece.startswith(_SEPARATOR):
                break
            text += piece
        return dict(json.loads(text)) if text else {}
