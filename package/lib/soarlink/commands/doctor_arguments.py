"""What stands behind ``| soardoctor``, as one frozen request. All mistakes are reported together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from soarlink.doctor.catalogue import QUESTIONS
from soarlink.errors import ParameterError

NAMES = ("account", "question", "search", "label", "severity", "playbook", "container", "create")
_SWITCH = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


@dataclass(frozen=True)
class DoctorArguments:
    """The arguments, parsed; empty where nothing was given. ``container`` is an id."""

    account: str = ""
    question: str = ""
    search: str = ""
    label: str = ""
    severity: str = ""
    playbook: str = ""
    container: int | None = None
    create: bool = False


def read(words: Sequence[str]) -> DoctorArguments:
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
        name = name.strip()
        if not equals or name not in NAMES:
            problems.append(f'"{word}" is not understood; there are: {", ".join(NAMES)}.')
        elif name in values:
            problems.append(f"{name} is given twice.")
        else:
            values[name] = value.strip().strip('"')
    question, container, create = (values.pop(name, "") for name in ("question", "container", "create"))
    # What a view's choices say for "nothing": an account of that name can't be made.
    if values.get("account") == "default":
        del values["account"]
    if question == "all":
        question = ""
    if question and question not in QUESTIONS:
        problems.append(f'question="{question}" is none of all, {", ".join(QUESTIONS)}.')
    if container and not (container.isascii() and container.isdigit()):
        problems.append(f'container="{container}" must be the id of a container, a number.')
    if create and create.lower() not in _SWITCH:
        problems.append(f'create="{create}" must be true or false.')
    if problems:
        raise ParameterError(problems)
    return DoctorArguments(
        **values,
        question=question,
        container=int(container) if container else None,
        create=_SWITCH.get(create.lower(), False),
    )
