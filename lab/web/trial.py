"""What the pages offer beside the add-on's own: the stand-in SOAR to connect to, and a run of the action."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.runner.report import Report

Send = Callable[[str, str, Mapping[str, str]], "Report"]


@dataclass(frozen=True)
class Soar:
    """What an administrator types into the account's form.

    Args:
        url: the stand-in SOAR's address.
        token: an automation user's token; not in ``repr``.
        ca_certificate: PEM of the authority that signed its certificate.
    """

    url: str
    token: str = field(repr=False)
    ca_certificate: str = field(repr=False)


@dataclass(frozen=True)
class Trial:
    """The stand-in SOAR, and a way to run the action on results that the lab brings.

    Args:
        soar: the stand-in SOAR.
        send: runs the action; takes owner and name of the saved search, and its parameters without ``param.``.
    """

    soar: Soar
    send: Send
