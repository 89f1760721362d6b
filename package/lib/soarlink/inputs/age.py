"""How long something may wait: then a person decides."""

from __future__ import annotations


def too_old(last: str, limit: float) -> str:
    """The reason of what has waited too long.

    Args:
        last: what the last attempt met.
        limit: the age limit, seconds.
    """
    return f"Not delivered within {limit / 3600:g} hours: {last}"


RESEND = "Mend it, then resend from the outbox: | soaroutboxctl action=resend, also with to_account=<another account>."
"""The way out."""
