"""``| soarpreview``: what an action would send for a search's results, and why. Sends nothing, needs no secret."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from splunklib.searchcommands import Configuration, EventingCommand

from soarlink.commands.preview_arguments import PreviewArguments, read
from soarlink.errors import ParameterError, SendToSoarError
from soarlink.mapping.search import SearchContext
from soarlink.plan.run import AlertRun
from soarlink.preview.label import default_label
from soarlink.preview.preview import Preview, preview
from soarlink.preview.records import records
from soarlink.rows.row import Row, Value
from soarlink.splunk import rules

APP = Path(__file__).resolve().parents[3]
"""The add-on's folder: ``lib/soarlink/commands`` is three below it."""


@Configuration(required_fields=["*"])
class PreviewCommand(EventingCommand):  # type: ignore[misc] # splunklib has no types
    """An events command: it runs on the search head, and sees the whole result before it answers.

    splunkd hands the results over in chunks; the rows that are looked at are kept until the last one has come. The
    words behind the command's name are ours to parse, splunklib's own options stay out of reach.
    """

    _asked: PreviewArguments

    def prepare(self) -> None:
        """Parse the arguments before anything runs (splunklib calls this in the getinfo exchange)."""
        self._rows: list[Row] = []
        self._columns: dict[str, None] = {}
        self._total = 0
        try:
            self._asked = read(list(self.fieldnames))
        except SendToSoarError as error:
            self.fail(error)

    def transform(self, records: Iterator[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        """Take the rows of one chunk; after the last one give the preview."""
        for record in records:
            self._take(record)
        if self._finished:
            yield from self._answer()

    def fail(self, error: SendToSoarError) -> NoReturn:
        """End the search with what happened and the way out."""
        self.write_error("{}", " ".join(error.problems) if isinstance(error, ParameterError) else str(error))
        sys.exit(1)

    def _take(self, record: Mapping[str, Any]) -> None:
        position, self._total = self._total, self._total + 1
        if self._asked.limit and position >= self._asked.limit:
            return
        self._columns.update(dict.fromkeys(record))
        fields = {name: value for name, value in ((name, _value(cell)) for name, cell in record.items()) if value}
        rid = fields.get("rid")
        self._rows.append(Row(rid if isinstance(rid, str) else str(position), position, fields))

    def _answer(self) -> Iterator[dict[str, Any]]:
        try:
            made = self._preview()
        except SendToSoarError as error:
            self.fail(error)
        self._say(made)
        yield from records(made, {row.rid: row.first("_time") for row in self._rows})

    def _preview(self) -> Preview:
        asked, info = self._asked, self.metadata.searchinfo
        label, notes = default_label(APP, asked.parameters.account)
        for note in notes:
            self.write_info("{}", f"Note: {note}.")
        sid = str(info.sid)
        app = str(getattr(info, "app", "") or "")
        run = AlertRun(
            action=asked.action,
            sid=sid,
            search_name=asked.search_name,
            app=app,
            owner=str(getattr(info, "username", "") or ""),
            scheduled="scheduler" in sid,
        )
        search = SearchContext(asked.search_name, data_model=asked.data_model, app=app)
        mapping = rules.load(APP)
        return preview(
            run, asked.parameters, mapping, label, rows=self._rows, columns=tuple(self._columns), limit=0, search=search
        )

    def _say(self, made: Preview) -> None:
        looked_at, limit = len(self._rows), self._asked.limit
        at_most = f"limit={limit}" if limit else "no limit"
        if looked_at < self._total:
            self.write_warning(
                "{}",
                f"soarpreview looked at the first {looked_at} of {self._total} results ({at_most}; limit=0 for all): "
                "groups and container counts are those of these results. Nothing was sent.",
            )
        else:
            self.write_info("{}", f"soarpreview looked at all {self._total} results ({at_most}). Nothing was sent.")
        for note in made.notes:
            self.write_warning("{}", note)

    def _protocol_v2_option_parser(self, arg: str) -> list[str]:
        return [arg]


def _value(cell: Any) -> Value:
    """A cell as rows have it: empty values are none, a list of one is that one."""
    if isinstance(cell, str):
        return cell
    values = tuple(str(part) for part in cell)
    if not any(values):
        return ""
    return values[0] if len(values) == 1 else values


def run() -> None:
    """Run the command as splunkd starts it: chunks on standard input and output."""
    PreviewCommand().process(sys.argv[:1], sys.stdin.buffer, sys.stdout.buffer)
