"""What stops an input, said so that a log can be read: at once, then every few minutes, and when it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from soarlink.splunk.logline import fields

if TYPE_CHECKING:
    import logging

AGAIN_AFTER = 300.0
"""Seconds until the same complaint is logged again."""


class Complaints:
    """The complaints of one input.

    Args:
        log: the input's log.
        monotonic: seconds of a clock that nobody sets.
    """

    def __init__(self, log: logging.Logger, monotonic: Callable[[], float]) -> None:
        self._log = log
        self._monotonic = monotonic
        self._said: dict[tuple[str, str], tuple[str, float, float]] = {}

    def waits(self, subject: str, reason: object, key: str = "", **facts: object) -> None:
        """Something can't go on. Another reason than the last one is said at once.

        Args:
            subject: what waits.
            reason: why, in words.
            key: which one of several.
            facts: what else the line says.
        """
        now, words = self._monotonic(), str(reason)
        before, since, said = self._said.get((subject, key), ("", now, now))
        if words != before or now - said >= AGAIN_AFTER:
            seconds = round(now - since) or ""
            told = {"key": key, **facts, "reason": words, "waited": seconds}
            self._log.warning("%s waits %s", subject, fields(told))
            said = now
        self._said[subject, key] = (words, since, said)

    def goes_on(self, subject: str, key: str = "") -> None:
        """It does go on; said when it was said that it did not."""
        before = self._said.pop((subject, key), None)
        if before is not None:
            waited = round(self._monotonic() - before[1])
            self._log.info("%s goes on %s", subject, fields({"key": key, "waited": waited}))

    def forget(self, subject: str, key: str) -> None:
        """There is nothing left that could go on."""
        self._said.pop((subject, key), None)
