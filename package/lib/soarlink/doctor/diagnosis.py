"""What one check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Verdict(str, Enum):
    """How a check ended. The values are what searches and machines see."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Diagnosis:
    """One check: its name for machines, how it ended, what was seen, and the way out. Texts are one line each.

    ``remedy`` is empty where there is nothing to do.
    """

    check: str
    verdict: Verdict
    evidence: str
    remedy: str = ""

    def __post_init__(self) -> None:
        for name in ("evidence", "remedy"):
            object.__setattr__(self, name, " ".join(getattr(self, name).split()))

    @classmethod
    def ok(cls, check: str, evidence: str) -> Diagnosis:
        """All is well."""
        return cls(check, Verdict.OK, evidence)

    @classmethod
    def warning(cls, check: str, evidence: str, remedy: str) -> Diagnosis:
        """It works, and will or may not for ever."""
        return cls(check, Verdict.WARNING, evidence, remedy)

    @classmethod
    def failed(cls, check: str, evidence: str, remedy: str) -> Diagnosis:
        """It does not work."""
        return cls(check, Verdict.FAILED, evidence, remedy)

    @classmethod
    def skipped(cls, check: str, evidence: str) -> Diagnosis:
        """Not checked, and why."""
        return cls(check, Verdict.SKIPPED, evidence)
