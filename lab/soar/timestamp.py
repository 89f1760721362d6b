"""SOAR's times: UTC text with microseconds, so that text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime

FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


def format_time(epoch: float) -> str:
    """`epoch` (seconds since 1970) as `2026-01-13T22:11:24.248863Z`."""
    return datetime.fromtimestamp(epoch, UTC).strftime(FORMAT)


def normal_time(text: str) -> str:
    """Bring an ISO 8601 time, with or without fraction, into the stored form; no zone means UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.strftime(FORMAT)


def epoch_of(text: str) -> float:
    """The inverse of `format_time`."""
    return datetime.fromisoformat(text).timestamp()
