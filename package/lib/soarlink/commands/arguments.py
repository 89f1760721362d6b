"""What stands behind a search command's name, as one frozen request. All mistakes are reported together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Callable

from soarlink.commands.changes import Changes
from soarlink.errors import ParameterError
from soarlink.outbox.item import DELIVERED, DISCARDED, STATES
from soarlink.outbox.selection import Filters, is_key
from soarlink.plan.container import cut
from soarlink.plan.parameters import SENSITIVITIES
from soarlink.plan.severity import SOAR_SEVERITIES

LIST, SHOW, STATS = "list", "show", "stats"
DELIVER, RESEND, DISCARD, PURGE = "deliver", "resend", "discard", "purge"
VIEWS = (LIST, SHOW, STATS)
ACTS = (DELIVER, RESEND, DISCARD, PURGE)
DEFAULT_LIMIT = 10_000

_FILTERS = ("key", "state", "account", "search", "sid", "action_name", "owner", "older_than", "newer_than")
_CHANGES = ("label", "severity", "sensitivity", "status", "container_name", "to_account")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(\d+)([smhdw])")
_AGE = re.compile(r"age(>=?|<=?)(.*)")
_SHORTEST_KEY = 6


@dataclass(frozen=True)
class ViewRequest:
    """What ``| soaroutbox`` is to show. ``limit`` is the most rows, the oldest first; 0 for all."""

    action: str
    filters: Filters
    limit: int = DEFAULT_LIMIT


@dataclass(frozen=True)
class ActRequest:
    """What ``| soaroutboxctl`` is to do. ``before`` is for purge alone: receipts last written before, epoch seconds."""

    action: str
    filters: Filters
    changes: Changes = field(default_factory=Changes)
    before: float | None = None


def view_request(words: Sequence[str], now: float) -> ViewRequest:
    """Parse the arguments of ``soaroutbox``.

    Args:
        words: as splunkd splits them, quotes gone.
        now: epoch seconds, for ages.

    Raises:
        ParameterError: names every word that is wrong and what is allowed.
    """
    reader = _Reader(words, VIEWS, (*_FILTERS, "limit"))
    action = reader.action(VIEWS, LIST)
    filters = reader.filters(now)
    limit = reader.number("limit", DEFAULT_LIMIT)
    if action == SHOW and not filters.keys:
        reader.problem("action=show needs key=…: the key of a row, or its beginning.")
    reader.check()
    return ViewRequest(action, filters, limit)


def act_request(words: Sequence[str], now: float) -> ActRequest:
    """Parse the arguments of ``soaroutboxctl``; see :func:`view_request`."""
    reader = _Reader(words, ACTS, (*_FILTERS, *_CHANGES))
    action = reader.action(ACTS, "")
    changes = reader.changes()
    before = None
    if action == PURGE:
        before = reader.before("older_than", now)
        filters = reader.filters(now, with_age=False)
        if before is None and not filters.keys:
            reader.problem("action=purge needs older_than=… (such as 30d) or key=….")
        if not set(filters.states) <= {DELIVERED, DISCARDED}:
            reader.problem(
                "purge removes receipts: state can be delivered or discarded. Discard what is not delivered."
            )
    else:
        filters = reader.filters(now)
        if action and filters.is_empty:
            reader.problem(f"action={action} needs key=… or another condition (state, account, search, sid, …).")
    if action != RESEND and changes != Changes():
        given = ", ".join(name for name in _CHANGES if reader.has(name))
        reader.problem(f"{given}: only action=resend changes what is sent.")
    reader.check()
    return ActRequest(action, filters, changes, before)


def duration(text: str) -> float | None:
    """Seconds of ``90s``, ``30m``, ``2h``, ``7d``, ``4w``; None for anything else."""
    match = _DURATION.fullmatch(text.strip().lower())
    return int(match[1]) * float(_UNITS[match[2]]) if match else None


class _Reader:
    """``name=value`` words, and the one bare word that may stand for the action."""

    def __init__(self, words: Iterable[str], actions: Sequence[str], known: Sequence[str]) -> None:
        self._values: dict[str, str] = {}
        self._problems: list[str] = []
        for word in _joined(words):
            age = _AGE.fullmatch(word)
            name, equals, value = word.partition("=")
            if age:
                self._set("older_than" if age[1].startswith(">") else "newer_than", age[2])
            elif equals and name in (*known, "action"):
                self._set(name, value.strip())
            elif not equals and word in actions:
                self._set("action", word)
            else:
                names = ", ".join(("action", *known))
                self._problems.append(f'"{word}" is not understood; there are: {names}.')

    def has(self, name: str) -> bool:
        return name in self._values

    def problem(self, text: str) -> None:
        self._problems.append(text)

    def check(self) -> None:
        if self._problems:
            raise ParameterError(self._problems)

    def action(self, allowed: Sequence[str], default: str) -> str:
        found = self._values.get("action", default)
        if found not in allowed:
            given = f'action="{found}"' if found else "action is missing; it"
            self.problem(f"{given} must be one of {', '.join(allowed)}.")
            return ""
        return found

    def filters(self, now: float, *, with_age: bool = True) -> Filters:
        texts = {name: self._values.get(name, "") for name in ("account", "search", "sid", "owner")}
        return Filters(
            keys=tuple(self._several("key", self._key_problem)),
            states=tuple(self._several("state", self._state_problem)),
            action=self._values.get("action_name", ""),
            created_before=self.before("older_than", now) if with_age else None,
            created_after=self.before("newer_than", now) if with_age else None,
            **texts,
        )

    def before(self, name: str, now: float) -> float | None:
        text = self._values.get(name)
        if text is None:
            return None
        seconds = duration(text)
        if seconds is None:
            self.problem(f'{name}="{text}" must be a number with s, m, h, d or w, such as 30m or 7d.')
            return None
        return now - seconds

    def number(self, name: str, default: int) -> int:
        text = self._values.get(name, str(default))
        if not text.isdigit():
            self.problem(f'{name}="{text}" must be a whole number, 0 for no limit.')
            return default
        return int(text)

    def changes(self) -> Changes:
        for name in _CHANGES:
            if self.has(name) and not self._values[name]:
                self.problem(f"{name} is empty: leave it out to keep what is stored.")
        values = {name: self._values.get(name, "") for name in _CHANGES}
        sensitivity, severity = values["sensitivity"].lower(), values["severity"]
        if sensitivity and sensitivity not in SENSITIVITIES:
            self.problem(f'sensitivity="{sensitivity}" must be one of {", ".join(SENSITIVITIES)}.')
        return Changes(
            label=values["label"],
            severity=severity.lower() if severity.lower() in SOAR_SEVERITIES else severity,
            sensitivity=sensitivity,
            status=values["status"],
            container_name=cut(values["container_name"]),
            account=values["to_account"],
        )

    def _set(self, name: str, value: str) -> None:
        if name in self._values:
            self._problems.append(f"{name} is given twice.")
        self._values[name] = value

    def _several(self, name: str, problem: Callable[[str], str]) -> list[str]:
        parts = [part.strip().lower() for part in self._values.get(name, "").split(",")]
        found = [part for part in parts if part]
        if self.has(name) and not found:
            self.problem(f"{name} is empty.")
        self._problems.extend(filter(None, map(problem, found)))
        return found

    @staticmethod
    def _key_problem(key: str) -> str:
        if is_key(key) and len(key) >= _SHORTEST_KEY:
            return ""
        return f'key="{key}" must be a key of the outbox or its first {_SHORTEST_KEY} or more hexadecimal digits.'

    @staticmethod
    def _state_problem(state: str) -> str:
        return "" if state in STATES else f'state="{state}" must be one of {", ".join(STATES)}.'


def _joined(words: Iterable[str]) -> list[str]:
    """``age > 2h`` may come as one word or as three."""
    found: list[str] = []
    for word in words:
        text = word.strip()
        if found and (found[-1] in {"age", "age>", "age<", "age>=", "age<="} or _is_open(found[-1], text)):
            found[-1] += text
        elif text:
            found.append(text)
    return found


def _is_open(before: str, word: str) -> bool:
    return before == "age" and word[:1] in {"<", ">"}


def as_mapping(changes: Changes) -> Mapping[str, str]:
    """The changes that were asked for, by the names of the command's arguments."""
    named = {**vars(changes)}
    named["to_account"] = named.pop("account")
    return {name: value for name, value in named.items() if value}
