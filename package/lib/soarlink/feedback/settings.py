"""What is read back from an account's SOAR: it stands in the account's settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from soarlink.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soarlink.feedback.case import Case

OFF, OURS, LABELS, ALL = "off", "ours", "labels", "all"
_MODES = (OFF, OURS, LABELS, ALL)
_SECONDS_PER_DAY = 86_400.0
_NUMBERS = {"feedback_interval": (60.0, 10.0, 86_400.0), "feedback_days": (7.0, 1.0, 3_650.0)}
"""Setting → default, least, most. A first window shorter than the time between two polls would leave gaps."""


@dataclass(frozen=True)
class FeedbackSettings:
    """One account's.

    Args:
        scope: ``off``, ``ours`` (containers that the add-on sent), ``labels`` or ``all``.
        labels: for ``labels``: the containers' labels.
        interval: seconds from one poll to the next.
        first_window: seconds that the very first poll looks back.
        artifacts: whether artifacts become events, too.
    """

    scope: str = OURS
    labels: frozenset[str] = frozenset()
    interval: float = 60.0
    first_window: float = 7 * _SECONDS_PER_DAY
    artifacts: bool = False

    def holds(self, case: Case) -> bool:
        """Whether what happens in this container is wanted."""
        if self.scope == LABELS:
            return case.label in self.labels
        return self.scope == ALL or (self.scope == OURS and case.ours)


def of_account(name: str, stanza: Mapping[str, str]) -> FeedbackSettings:
    """The settings of an account's stanza; what is not set has its default.

    Raises:
        SettingsError: a value is none of those allowed.
    """
    scope = stanza.get("feedback", "").strip() or OURS
    if scope not in _MODES:
        raise SettingsError(f'The account "{name}" has feedback = "{scope}".', f"Choose one of {', '.join(_MODES)}.")
    labels = frozenset(label.strip() for label in stanza.get("feedback_labels", "").split(",") if label.strip())
    if scope == LABELS and not labels:
        raise SettingsError(
            f'The account "{name}" brings back containers by label, and no label is named.',
            "Enter labels, separated by commas, or choose another scope.",
        )
    return FeedbackSettings(
        scope,
        labels,
        interval=_number(name, stanza, "feedback_interval"),
        first_window=_number(name, stanza, "feedback_days") * _SECONDS_PER_DAY,
        artifacts=stanza.get("feedback_artifacts", "").strip().lower() in ("1", "true"),
    )


def _number(name: str, stanza: Mapping[str, str], key: str) -> float:
    default, least, most = _NUMBERS[key]
    text = stanza.get(key, "").strip()
    try:
        value = float(text) if text else default
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise SettingsError(
            f'The account "{name}" has {key} = "{text}".', f"It must be a number from {least:g} to {most:g}."
        )
    return value
