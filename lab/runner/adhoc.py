"""How Enterprise Security hands an analyst's parameters to ``| sendalert``, and what arrives of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.runner.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.runner.action import Action


def through_sendalert(action: Action, given: Mapping[str, str]) -> dict[str, str]:
    r"""Give the parameters as they arrive in an ad hoc run.

    Enterprise Security strips outer quotes and escapes inner ones, but not backslashes; the search language then reads
    ``\\`` as one backslash and ``\"`` as a quote.

    Raises:
        LabError: Enterprise Security or the search language would refuse the parameters.
    """
    if any(name not in action.parameters for name in given):
        raise LabError("Invalid parameter for adhoc modular action.", _undeclared(action, given))
    return {name: _arrives(name, value) for name, value in given.items()}


def _undeclared(action: Action, given: Mapping[str, str]) -> str:
    names = ", ".join(name for name in given if name not in action.parameters)
    declared = ", ".join(sorted(name for name in action.parameters if not name.startswith("_")))
    return f"{action.name} does not declare {names}. It has: {declared}."


def _arrives(name: str, value: str) -> str:
    written = value.strip('"').replace('"', '\\"')
    read: list[str] = []
    position = 0
    while position < len(written):
        pair = written[position : position + 2]
        if pair in {"\\\\", '\\"'}:
            read.append(pair[1])
            position += 2
        elif written[position] == '"' or pair == "\\":
            raise LabError(
                f"Splunk can't run this ad hoc: in parameter {name} a backslash stands before a quote or at the end.",
                "Enterprise Security escapes quotes but not backslashes; write the value without it.",
            )
        else:
            read.append(written[position])
            position += 1
    return "".join(read)
