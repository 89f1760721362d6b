"""What the pages offer beside the add-on's own: the stand-in SOAR to connect to, and a run of an action."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.runner.report import Report

Send = Callable[[str, str, str, Mapping[str, str]], "Report"]


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
    """The stand-in SOAR, and a way to run an action on results that the lab brings.

    Args:
        soar: the stand-in SOAR.
        send: takes owner and name of the saved search, the action to run, and its parameters without ``param.``.
    """

    soar: Soar
    send: Send
