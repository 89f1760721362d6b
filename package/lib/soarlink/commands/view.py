"""``| soaroutbox``: shows the outbox, changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from splunklib.searchcommands import Configuration

from soarlink.commands.arguments import SHOW, STATS, ViewRequest, view_request
from soarlink.commands.outbox_command import OutboxCommand
from soarlink.commands.record import item_record, shown_records, statistics_record
from soarlink.errors import KvStoreRefused
from soarlink.outbox.selection import Filters

if TYPE_CHECKING:
    from soarlink.outbox.collection import Outbox
    from soarlink.splunk.splunkd import Splunkd


@Configuration(type="reporting")
class ViewCommand(OutboxCommand):
    """Lists rows, shows one with what it sends, or counts by account."""

    request = ViewRequest("list", Filters())

    def parse(self, words: list[str], now: float) -> None:
        """Read the arguments."""
        self.request = view_request(words, now)

    def records(self, outbox: Outbox, splunkd: Splunkd) -> Iterator[dict[str, Any]]:  # noqa: ARG002 - see the base
        """Give the rows."""
        request, now = self.request, self.clock()
        if request.action == STATS:
            yield from map(statistics_record, outbox.statistics(now))
            self._warn_of_unreadable(outbox)
        elif request.action == SHOW:
            yield from self._show(outbox, now)
        else:
            items = outbox.select(request.filters, request.limit)
            if request.limit and len(items) == request.limit:
                self.warn(f"Only the {request.limit} oldest rows are listed; limit=0 lists all.")
            for item in items:
                yield item_record(item, now)
            self._warn_of_unreadable(outbox)

    def _show(self, outbox: Outbox, now: float) -> Iterator[dict[str, Any]]:
        items = outbox.select(self.request.filters, self.request.limit)
        if not items:
            self.warn("No row of the outbox has this key.")
        may_read = True
        for item in items:
            payload = None
            if item.payload_parts and may_read:
                try:
                    ((_, payload),) = outbox.load_many([item])
                except KvStoreRefused:
                    may_read = False
                    self.warn("What a row sends is for administrators only (role send_to_soar_admin).")
            yield from shown_records(item, payload, now)

    def _warn_of_unreadable(self, outbox: Outbox) -> None:
        for problem in outbox.unreadable()[:5]:
            self.warn(problem)
