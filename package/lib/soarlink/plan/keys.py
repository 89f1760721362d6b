"""Which container a row belongs to, by what the user chose as identity and group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soarlink.plan import identity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from soarlink.plan.parameters import SendParameters
    from soarlink.plan.run import AlertRun
    from soarlink.rows.row import Row


_CONTENT = "identity_fields"


class Absent:
    """Fields that a parameter names and that no row has: most likely a slip of the pen, and then it must be heard.

    It is no error: a field that is only now and then filled may be empty in all rows of a run, whose alert must not be
    lost for that.

    Args:
        named: parameter → the fields that it names.
        columns: fields that are known to be there.
    """

    def __init__(self, named: Mapping[str, Sequence[str]], columns: Sequence[str] = ()) -> None:
        self._named = named
        self._absent = {name for names in named.values() for name in names}.difference(columns)

    def look(self, row: Row) -> None:
        """Take what the row has from the list."""
        if self._absent:
            self._absent.difference_update(row.fields)

    def notes(self) -> tuple[str, ...]:
        """What there is to say once all rows were looked at. Rows without any identity field say so themselves."""
        found = [
            (parameter, ", ".join(name for name in dict.fromkeys(names) if name in self._absent))
            for parameter, names in self._named.items()
        ]
        return tuple(
            f"no result has a value in {names} (parameter {parameter}): it tells no results apart. "
            "Check how the field is written"
            for parameter, names in found
            if names and not (parameter == _CONTENT and self._absent.issuperset(self._named[_CONTENT]))
        )


class Keys:
    """The keys of one run's containers.

    Args:
        run: the alert run.
        parameters: what the user asked for.
    """

    def __init__(self, run: AlertRun, parameters: SendParameters) -> None:
        self._run = run
        self._by_content = parameters.identity == "fields"
        self._fields = parameters.identity_fields
        self._window = parameters.identity_window
        self._group_by = parameters.group_by if parameters.container_per == "group" else None
        self.unused = _unused(parameters)
        """What to say of each result about a parameter that was given and plays no part."""

    def absent(self, columns: Sequence[str] = ()) -> Absent:
        """To find out which of the fields that make the keys no row has."""
        named = {"group_by": self._group_by or (), _CONTENT: self._fields if self._by_content else ()}
        return Absent(named, columns)

    def of_group(self, row: Row) -> str:
        """The key of the row's group; without groups, of the row."""
        values = [row.values(name) for name in self._group_by or ()]
        content = self._of_content(row, values)
        if content:
            return content
        if self._group_by is None:
            return identity.of_row(row, self._run)
        return identity.of_group(values, self._run)

    def of_search(self, first: Row) -> str:
        """The key of a container for the whole search, which begins with this row."""
        return self._of_content(first, ()) or identity.of_search(self._run)

    def notes(self, row: Row) -> tuple[str, ...]:
        """What of the identity could not be had from the row."""
        if not self._by_content:
            return ()
        if not any(row.values(name) for name in self._fields):
            return (f"none of the identity fields {', '.join(self._fields)} has a value: the run's own key",)
        if identity.window_of(row, self._window) is None:
            return ("the result has no _time: identity_window was left out of its key",)
        return ()

    def _of_content(self, row: Row, group: Sequence[tuple[str, ...]]) -> str:
        """The key over the identity fields; "" where the run's own keys count, or the row has none of the fields."""
        if not self._by_content:
            return ""
        values = [row.values(name) for name in self._fields]
        if not any(values):
            return ""
        # ES writes the search's name into the notable: so an ad hoc run on it has the same key.
        search = row.first("search_name") or self._run.search_name
        window = identity.window_of(row, self._window)
        return identity.of_content(search, [*values, *group], window or "")


def _unused(parameters: SendParameters) -> tuple[str, ...]:
    if parameters.container_per == "group" or not parameters.group_by:
        return ()
    said = (
        f"group_by ({', '.join(parameters.group_by)}) plays no part, because container_per is "
        f'"{parameters.container_per}": set container_per to "group" or leave group_by empty'
    )
    return (said,)
