"""By which way Enterprise Security is written to: by its version, and by what answers.

``notable_update`` writes notables (7) and findings (8): the public API of 8 changes investigations, and of a finding
only its notes (splunkd reference, 5.1 and 5.6). Where notes can be written is known from public clients, not from a
server, so both addresses that they use are asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from soarlink.writeback import answer

if TYPE_CHECKING:
    from soarlink.splunk.splunkd import Splunkd

APP = "SplunkEnterpriseSecuritySuite"
ROOTS = tuple(f"/servicesNS/nobody/{app}/public/v2" for app in ("missioncontrol", APP))
"""Where the public API of Enterprise Security 8 may stand; the first that answers is taken."""

_WITH_NOTES = 8


@dataclass(frozen=True)
class Path:
    """The way in force.

    Args:
        version: Enterprise Security's version.
        notes: where notes are written, the root of the public API; "" when they become comments.
        why: why they do; "" when they don't.
    """

    version: str
    notes: str = ""
    why: str = ""

    def __str__(self) -> str:
        kept = f"notes by {self.notes}" if self.notes else f"notes become comments, because {self.why}"
        return f"values and comments by notable_update; {kept}"


def choose(splunkd: Splunkd) -> Path | None:
    """The way to Enterprise Security as this user has it; None where it is not installed, or is disabled.

    Args:
        splunkd: a session.

    Raises:
        SplunkdError: splunkd did not answer, or not as it should; what is missing for good is no error.
    """
    reply = splunkd.request("GET", f"/services/apps/local/{quote(APP)}?output_mode=json")
    if reply.status == answer.NOT_FOUND:
        return None
    if reply.status != answer.OK:
        raise answer.failed("apps/local", reply)
    content = (answer.parsed(reply).get("entry") or [{}])[0].get("content", {})
    if content.get("disabled") in (True, 1, "1"):
        return None
    version = str(content.get("version") or "")
    major = version.partition(".")[0]
    if not major.isdigit():
        return Path(version or "unknown", why="its version does not say whether it has any")
    if int(major) < _WITH_NOTES:
        return Path(version, why=f"Enterprise Security {version} has none")
    return _with_notes(splunkd, version)


def _with_notes(splunkd: Splunkd, version: str) -> Path:
    answers = []
    for root in ROOTS:
        reply = splunkd.request("GET", f"{root}/investigations?limit=1")
        if reply.status == answer.OK:
            return Path(version, root)
        if reply.status == answer.THROTTLED or reply.status >= answer.SERVER_ERROR:
            raise answer.failed(f"{root}/investigations", reply)
        answers.append(f"{root}/investigations answers {reply.status} {answer.message(reply)}".strip())
    return Path(version, why=" and ".join(answers))
