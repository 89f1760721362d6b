"""Inputs of playbooks: filled from a result, and what there is to say when it, or another one, does not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soarlink.plan.shipment import PlaybookCall

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from soarlink.plan.parameters import PlaybookOrder
    from soarlink.plan.template import Template
    from soarlink.rows.row import Row


class PlaybookInputs:
    """Makes the playbook calls of containers.

    Args:
        orders: the playbooks that each container gets.
        facts: what is known of the alert run, for templates.
    """

    def __init__(self, orders: Sequence[PlaybookOrder], facts: Mapping[str, str]) -> None:
        self._orders = tuple(orders)
        self._facts = facts
        self._varying = {name: one for order in orders for name, one in order.inputs if not one.is_fixed}

    def calls(self, row: Row) -> tuple[PlaybookCall, ...]:
        """The calls for the container whose first result this is.

        A playbook that would act on nothing is not called: an input that the result leaves empty is a refusal, unless
        its template has a ``default``, if only an empty one; then the input is left out.
        """
        return tuple(self._call(order, row) for order in self._orders)

    def of(self, row: Row) -> Mapping[str, str]:
        """The inputs that depend on the result, as it gives them."""
        return {name: template.render(row, self._facts) for name, template in self._varying.items()}

    def _call(self, order: PlaybookOrder, row: Row) -> PlaybookCall:
        filled = [(name, template, template.render(row, self._facts)) for name, template in order.inputs]
        inputs = tuple((name, text) for name, template, text in filled if text or template.is_fixed)
        missing = [_missing(name, one) for name, one, text in filled if not text and not one.may_be_empty]
        return PlaybookCall(order.name, order.scope, inputs, " ".join(missing))


class OtherInputs:
    """Looks at the other results of a container, whose playbooks get the inputs of the first one.

    Args:
        inputs: makes the inputs.
        first: the container's first result.
    """

    def __init__(self, inputs: PlaybookInputs, first: Row) -> None:
        self._inputs = inputs
        self._first = inputs.of(first)
        self._names: dict[str, None] = {}
        self._rows = 1
        self._others = 0

    def look(self, row: Row) -> None:
        """Take another result into account."""
        self._rows += 1
        if self._first:
            other = [name for name, text in self._inputs.of(row).items() if text != self._first[name]]
            self._names.update(dict.fromkeys(other))
            self._others += bool(other)

    def notes(self) -> tuple[str, ...]:
        """What the container's results are told."""
        if not self._others:
            return ()
        counts = f"{self._others} of its {self._rows} results have other values of {', '.join(self._names)}"
        way_out = "With one container per result, or per group of these values, the playbook runs for each"
        return (f"playbook inputs are those of the container's first result: {counts}. {way_out}",)


def _missing(name: str, template: Template) -> str:
    fields = ", ".join(template.needs)
    first = template.fields[0]
    return (
        f"Its input {name} is empty: the container's first result has no value in {fields}. Name a field that it has "
        f"({{{{{first}|or:…}}}}), or write {{{{{first}|default:}}}} if the playbook can do without it."
    )
