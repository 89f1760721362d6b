"""The container label that an action falls back to: the account's, read without its secret."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from soarlink.splunk.settings import Settings, no_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FALLBACK = "events"
NO_ACCOUNT = f"no SOAR account is configured: the container label shown is {FALLBACK}"


def default_label(
    app: Path, wanted: str, others: Mapping[str, Mapping[str, str]] | None = None
) -> tuple[str, tuple[str, ...]]:
    """The default label of the account that the action would use, and what there is to say about it.

    Args:
        app: the add-on's folder.
        wanted: the parameter ``account``.
        others: accounts that count beside the configured ones.

    Raises:
        SettingsError: no such account, none to choose, or one that is unusable.
    """
    settings = Settings.load(app)
    settings = replace(settings, accounts={**(others or {}), **settings.accounts})
    if not settings.accounts and not wanted:
        return FALLBACK, (NO_ACCOUNT,)
    return settings.account(wanted, no_secrets).default_label, ()
