"""What stands behind ``| soarpreview``: parameters of the action, and what only the preview has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from soarlink.errors import ParameterError
from soarlink.plan import parameters
from soarlink.plan.parameters import DEFAULTS_OF, SEND_TO_SOAR, SendParameters

DEFAULT_LIMIT = 100
"""Results that are looked at when ``limit`` is not given: each makes a row for every one of its values."""

_OWN = ("action", "limit", "search_name", "data_model")


@dataclass(frozen=True)
class PreviewArguments:
    """The arguments, parsed. ``action`` is the one whose parameters they are; ``limit`` the most results, 0 for all."""

    action: str
    parameters: SendParameters
    limit: int
    search_name: str
    data_model: str


def read(words: Sequence[str]) -> PreviewArguments:
    """Parse ``name=value`` words.

    Args:
        words: as splunkd splits them, quotes gone.

    Raises:
        ParameterError: with every word that is wrong, and what is allowed.
    """
    values: dict[str, str] = {}
    problems: list[str] = []
    given = [(word, *word.partition("=")) for word in words]
    named = [(word, name.strip().removeprefix("param."), equals, _bare(value)) for word, name, equals, value in given]
    action = next((value for _, name, _, value in reversed(named) if name == "action" and value), SEND_TO_SOAR)
    if action not in DEFAULTS_OF:
        raise ParameterError([f'action="{action}" is unknown; there are: {", ".join(DEFAULTS_OF)}.'])
    known = (*_OWN, *DEFAULTS_OF[action])
    for word, name, equals, value in named:
        if not equals or name not in known:
            problems.append(f'"{word}" is not understood; {action} has: {", ".join(known)}.')
        else:
            values[name] = value
    own = {name: values.pop(name, "") for name in _OWN}
    limit = own["limit"] or str(DEFAULT_LIMIT)
    if not limit.isdigit():
        problems.append(f'limit="{limit}" must be a whole number, 0 for no limit.')
    try:
        asked = parameters.parse(values, action)
    except ParameterError as error:
        raise ParameterError([*problems, *error.problems]) from error
    if problems:
        raise ParameterError(problems)
    return PreviewArguments(action, asked, int(limit), own["search_name"], own["data_model"])


def _bare(value: str) -> str:
    return value.strip().strip('"')
