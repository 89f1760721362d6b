"""What stands behind ``| soarpreview``: parameters of the action, and what only the preview has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from soarlink.errors import ParameterError
from soarlink.plan import parameters
from soarlink.plan.parameters import DEFAULTS, SendParameters

DEFAULT_LIMIT = 100
"""Results that are looked at when ``limit`` is not given: each makes a row for every one of its values."""

_OWN = ("limit", "search_name", "data_model")


@dataclass(frozen=True)
class PreviewArguments:
    """The arguments, parsed. ``limit`` is the most results, 0 for all."""

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
    for word in words:
        name, equals, value = word.partition("=")
        name = name.strip().removeprefix("param.")
        if not equals or name not in (*_OWN, *DEFAULTS):
            problems.append(f'"{word}" is not understood; there are: {", ".join((*_OWN, *DEFAULTS))}.')
        else:
            values[name] = value.strip().strip('"')
    own = {name: values.pop(name, "") for name in _OWN}
    limit = own["limit"] or str(DEFAULT_LIMIT)
    if not limit.isdigit():
        problems.append(f'limit="{limit}" must be a whole number, 0 for no limit.')
    try:
        asked = parameters.parse(values)
    except ParameterError as error:
        raise ParameterError([*problems, *error.problems]) from error
    if problems:
        raise ParameterError(problems)
    return PreviewArguments(asked, int(limit), own["search_name"], own["data_model"])
