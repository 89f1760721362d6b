"""What fires in the busy week: detections, and results as their searches give them."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_USERS = ("maria.keller", "j.oneill", "søren.lund", "a.okafor", "li.wei", "svc_backup")
_HOSTS = ("FIN-WS-042", "HR-WS-007", "ENG-LT-113", "DC-01", "WEB-03", "vpn-gw-01")
_SOURCES = ("203.0.113.45", "203.0.113.9", "198.51.100.77", "192.0.2.14", "10.20.4.42", "10.20.7.8")
_GUID = "1A082D7B-D5A1-4A2B-BB94-41C439BE3EB7"


@dataclass(frozen=True)
class Detection:
    """A correlation search.

    Args:
        name: its name.
        title: title of its findings; `{user}`, `{host}` and `{src}` are filled in.
        severity: of its findings.
        label: of their containers.
        parameters: what its action is set to besides.
    """

    name: str
    title: str
    severity: str
    label: str = "events"
    parameters: Mapping[str, str] = field(default_factory=dict)

    def rows(self, count: int, now: float, seed: int) -> list[dict[str, str]]:
        """Give results.

        Args:
            count: how many.
            now: when the search runs, epoch seconds; results are of the minutes before.
            seed: the same for the same results.
        """
        chosen = random.Random(f"{seed} {self.name}")  # noqa: S311 - made-up values
        rows = []
        for number in range(count):
            picked = {"user": chosen.choice(_USERS), "host": chosen.choice(_HOSTS), "src": chosen.choice(_SOURCES)}
            mark = hashlib.sha256(f"{seed} {self.name} {number}".encode()).hexdigest()
            rows.append(
                {
                    "_time": f"{now - 120 - 30 * number:.0f}",
                    "rule_title": self.title.format(**picked),
                    "event_id": f"{_GUID}@@notable@@{mark[:32]}",
                    "severity": self.severity,
                    "src": picked["src"],
                    "dest": picked["host"],
                    "user": picked["user"],
                    "url": f"https://cdn-updates.example.net/{mark[:6]}",
                    "file_hash": mark,
                    "signature": self.name,
                }
            )
        return rows


BRUTE_FORCE = Detection("Access - Brute Force Access Behavior Detected - Rule", "Brute force from {src}", "high")
MALWARE = Detection(
    "Endpoint - Malware Not Cleaned - Rule",
    "Malware left on {host}",
    "high",
    parameters={"playbook": "local/contain_host", "workbook": "Incident response"},
)
PHISHING = Detection(
    "Network - Suspicious Email Attachment - Rule",
    "Phishing mail to {user}",
    "medium",
    "email",
    {"playbook": "local/phishing_triage"},
)
RARE_DESTINATION = Detection("Threat - Data Sent To Rare Destination - Rule", "Data sent from {host}", "medium")
NEW_ACCOUNT = Detection("Identity - Privileged Account Created - Rule", "Account made by {user}", "low", "notable")
MISTAKEN = Detection("Lab - Label That SOAR Does Not Have - Rule", "Odd traffic from {src}", "low", "wibble")
