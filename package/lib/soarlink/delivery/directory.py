"""What SOAR has under the name of a playbook: which one is meant, and which inputs it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from soarlink.errors import AuthFailed, Refused
from soarlink.soar.answer import number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from soarlink.plan.shipment import PlaybookCall
    from soarlink.soar.client import SoarClient

    Records = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Known:
    """What is known of a call before it is made.

    ``problem``: why it can't be meant so, with the way out; "" when it can. ``notes``: what does not stop it.
    """

    problem: str = ""
    notes: tuple[str, ...] = ()


class PlaybookDirectory:
    """Playbooks of one server, asked for once by name. What is not there is SOAR's to say, when it is started."""

    def __init__(self) -> None:
        self._found: dict[str, Records] = {}

    def judge(self, call: PlaybookCall, client: SoarClient) -> Known:
        """Judge a call by the playbooks of that name.

        SOAR takes a bare name, and says nothing about which playbook it takes for it, nor about inputs that the
        playbook does not have (REST reference, 6.1 and 6.3).

        Raises:
            SoarError: SOAR did not answer. That the account may not view playbooks is none: then nothing is known.
        """
        found = self._named(call.name, client)
        if len(found) > 1:
            return Known(_ambiguous(call.name, found))
        return _judged(call, found[0]) if found else Known()

    def ids(self, name: str, client: SoarClient) -> set[int]:
        """The ids of the playbooks that a name can mean; none where the account may not view them."""
        numbers = (number(one.get("id")) for one in self._named(name, client))
        return {one for one in numbers if one is not None}

    def _named(self, name: str, client: SoarClient) -> Records:
        if name not in self._found:
            self._found[name] = _listed(name, client)
        return self._found[name]


def _listed(reference: str, client: SoarClient) -> Records:
    """The playbooks that ``repository/name``, a bare name or an id can mean."""
    repository, _, name = reference.rpartition("/")
    literal = name.replace("\\", "\\\\").replace('"', '\\"')
    wanted = ("_filter_id", reference) if reference.isdecimal() else ("_filter_name", f'"{literal}"')
    try:
        found = client.records("playbook", (wanted, ("page_size", "0"), ("pretty", "1")))
    except (AuthFailed, Refused):
        return ()
    return [one for one in found if not repository or one.get("_pretty_scm") == repository]


def _ambiguous(name: str, found: Records) -> str:
    repositories = sorted({str(one.get("_pretty_scm") or one.get("scm")) for one in found})
    return (
        f"SOAR has it in several repositories ({', '.join(repositories)}). Write which one is meant, "
        f"for example {repositories[0]}/{name}."
    )


def _judged(call: PlaybookCall, record: Mapping[str, Any]) -> Known:
    spec = record.get("input_spec")
    names = [str(one.get("name")) for one in spec if isinstance(one, dict)] if isinstance(spec, list) else []
    given = [name for name, _ in call.inputs]
    if not names:
        idle = bool(given) and record.get("playbook_type") == "automation"
        return Known(notes=(f"playbook {call.name} takes no inputs: {', '.join(given)} went along for nothing",) * idle)
    said = []
    unknown = [name for name in given if name not in names]
    if unknown:
        said.append(f"playbook {call.name} has no input {', '.join(unknown)}: its inputs are {', '.join(names)}")
    missing = [name for name in names if name not in given]
    if missing:
        said.append(f"playbook {call.name} was not given its input {', '.join(missing)} (parameter inputs)")
    return Known(notes=tuple(said))
