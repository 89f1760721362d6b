"""When what happens in the busy week, in hours before its end: alerts, polls, outages, and what people do."""

from __future__ import annotations

from dataclasses import dataclass

from lab.demo.detections import (
    BRUTE_FORCE,
    MALWARE,
    MISTAKEN,
    NEW_ACCOUNT,
    PHISHING,
    RARE_DESTINATION,
)
from lab.runner.lab import ACCOUNT

MINUTE, HOUR = 60.0, 3600.0
LENGTH = 126 * HOUR
"""From the first result to the end."""

EMEA, APAC = "soc_emea", "soc_apac"
"""Accounts beside the lab's own."""

PROMPT_SECONDS = 4 * HOUR


@dataclass(frozen=True)
class Fate:
    """What people do to a case, by seconds after it was made.

    Args:
        person: who takes and closes it.
        taken: when.
        closed: when; 0 for never.
        status: with which status.
        reviewed: when somebody else resolves its notable in Enterprise Security, unless that is closed; 0 for never.
    """

    person: str = ""
    taken: float = 0.0
    closed: float = 0.0
    status: str = "closed"
    reviewed: float = 0.0


FATES = (
    Fate("alice", 12 * MINUTE, 95 * MINUTE),
    Fate("bob", 40 * MINUTE, 7 * HOUR, "false_positive"),
    Fate(),
    Fate("alice", 25 * MINUTE, 3 * HOUR, reviewed=3 * HOUR + 10 * MINUTE),
    Fate("bob", 5 * HOUR, 26 * HOUR),
    Fate("alice", 1 * HOUR),
    Fate("bob", 30 * MINUTE, 50 * MINUTE, "false_positive"),
)
"""Of the cases, in turn."""

ANSWERS = (("alice", 20 * MINUTE, "Yes"), ("bob", 170 * MINUTE, "No"), ("", 0.0, ""), ("alice", 45 * MINUTE, "Yes"))
"""Of the prompts, in turn: who, seconds after the question, and what. Nobody lets it run out."""

SENT = (
    (124.0, BRUTE_FORCE, 7, ACCOUNT),
    (118.0, PHISHING, 3, ACCOUNT),
    (112.0, RARE_DESTINATION, 3, EMEA),
    (102.0, MALWARE, 2, ACCOUNT),
    (96.0, NEW_ACCOUNT, 8, ACCOUNT),
    (90.0, PHISHING, 2, EMEA),
    (78.0, BRUTE_FORCE, 9, EMEA),
    (72.0, MISTAKEN, 3, ACCOUNT),
    (70.0, RARE_DESTINATION, 7, ACCOUNT),
    (54.0, MALWARE, 2, ACCOUNT),
    (50.0, BRUTE_FORCE, 2, APAC),
    (46.0, NEW_ACCOUNT, 3, ACCOUNT),
    (30.0, PHISHING, 6, ACCOUNT),
    (26.0, RARE_DESTINATION, 4, EMEA),
    (22.0, BRUTE_FORCE, 8, ACCOUNT),
    (8.0, NEW_ACCOUNT, 2, EMEA),
    (5.0, BRUTE_FORCE, 3, APAC),
    (2.0, MALWARE, 3, ACCOUNT),
    (1.5, MISTAKEN, 1, EMEA),
)
"""When, detection, results, account."""

APAC_GONE = 12.0
"""When that SOAR goes away for good."""

POLLS = (116.0, 100.0, 88.0, 76.0, 52.0, 48.0, 28.0, 20.0, 6.0, 0.01)
THROTTLED = (78.0, 77.0)
"""Between which EMEA's SOAR takes no more."""

DRAINS = (76.9, 43.9, 4.5, 4.4)
LOCKED = 96.0
"""The notable of the first result that is sent then is one that nobody may change."""

LOOKED_INTO, FOLLOWED = 46.0, 44.0
"""The notable of the first result that is sent at the first is looked into by an analyst at the second."""
