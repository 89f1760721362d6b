"""How long something may wait: then a person decides."""

from __future__ import annotations

AGE_LIMIT = 72 * 3600.0
"""Seconds after which what SOAR never took is rejected; it stays, and can be resent."""


def too_old(last: str) -> str:
    """The reason of what has waited too long.

    Args:
        last: what the last attempt met.
    """
    return f"Not delivered within {AGE_LIMIT / 3600:g} hours: {last}"


RESEND = "Mend it, then resend from the outbox: | soaroutboxctl action=resend, also with to_account=<another account>."
"""The way out."""
