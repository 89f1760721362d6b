"""The add-on's SOAR accounts, configured through the add-on's own REST endpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.runner.management import Management, segment

if TYPE_CHECKING:
    from collections.abc import Mapping

_CLEAR = {"--cred--": "1", "count": "0"}


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
            "is_default": "1",
        }


class Accounts:
    """The accounts that the installed add-on has.

    Args:
        management: splunkd.
        app: the add-on.
    """

    def __init__(self, management: Management, app: str) -> None:
        self._management = management
        self._path = f"/servicesNS/nobody/{app}/{app.lower()}_account"

    def find(self, name: str) -> Account | None:
        """Read an account with its secret, as the add-on's own pages can; None when there is none of this name."""
        # Of a single account that is not there the handler makes an unexpected error, so all are listed.
        entries = self._management.get(self._path, **_CLEAR) or []
        content: Mapping[str, str] | None = next((entry["content"] for entry in entries if entry["name"] == name), None)
        if content is None:
            return None
        return Account(
            name=name,
            url=content.get("url") or "",
            token=content.get("token") or "",
            ca_certificate=content.get("ca_certificate") or "",
        )

    def feedback_scopes(self) -> dict[str, str]:
        """Say for each account what is brought back from it; "" where nothing is set."""
        entries = self._management.get(self._path, count="0") or []
        return {entry["name"]: entry["content"].get("feedback") or "" for entry in entries}

    def save(self, account: Account, *, exists: bool) -> None:
        """Create the account, or change the one that exists.

        Raises:
            LabError: the add-on refused it, in its words.
        """
        if exists:
            self._management.post(f"{self._path}/{segment(account.name)}", account.fields())
        else:
            self._management.post(self._path, {"name": account.name, **account.fields()})
