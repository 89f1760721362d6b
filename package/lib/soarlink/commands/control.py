"""``| soaroutboxctl``: acts on the outbox."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from splunklib.searchcommands import Configuration

from soarlink.commands.act import Desk, require_account
from soarlink.commands.act_event import act_event, write_events
from soarlink.commands.arguments import PURGE, ActRequest, act_request, as_mapping
from soarlink.commands.outbox_command import APP, OutboxCommand, home
from soarlink.commands.record import done_record
from soarlink.commands.session import caller, require_capability
from soarlink.outbox.item import DELIVERED, DISCARDED
from soarlink.outbox.selection import Filters
from soarlink.splunk.settings import Settings, names

if TYPE_CHECKING:
    from soarlink.outbox.collection import Outbox
    from soarlink.splunk.splunkd import Splunkd
    from soarlink.splunk.users import User


@Configuration(type="reporting")
class ControlCommand(OutboxCommand):
    """Delivers now, resends, discards or purges."""

    request = ActRequest("", Filters())

    def parse(self, words: list[str], now: float) -> None:
        """Read the arguments."""
        self.request = act_request(words, now)

    def records(self, outbox: Outbox, splunkd: Splunkd) -> Iterator[dict[str, Any]]:
        """Act, and tell what became of it."""
        who = caller(splunkd)
        require_capability(who)
        settings = Settings.load(APP)
        if self.request.action == PURGE:
            yield self._purge(outbox, who, settings.index)
            return
        require_account(self.request.changes, names(settings))
        items = outbox.select(self.request.filters)
        if not items:
            self.warn("No row of the outbox is meant by this.")
        now = self.clock()
        events = []
        try:
            for done in Desk(outbox, who.name, now).carry_out(self.request, items):
                if done.is_done:
                    events.append(act_event(done, who.name, now, as_mapping(self.request.changes)))
                yield done_record(done)
        finally:
            self._write(settings.index, events, now)

    def _purge(self, outbox: Outbox, who: User, index: str) -> dict[str, Any]:
        request, now = self.request, self.clock()
        states = request.filters.states or (DELIVERED, DISCARDED)
        if request.filters == Filters(states=request.filters.states) and request.before is not None:
            count = outbox.purge(request.before, states)
        else:
            chosen = [item for item in outbox.select(request.filters) if item.state in states]
            count = outbox.forget(chosen, now if request.before is None else request.before)
        event = {"time": round(now, 6), "act": PURGE, "by": who.name, "action": "", "receipts": count}
        self._write(index, [event] if count else [], now)
        return {"act": PURGE, "done": 1, "receipts": count, "message": f"{count} receipts were removed."}

    def _write(self, index: str, events: list[dict[str, Any]], now: float) -> None:
        try:
            write_events(home(), index, events, now)
        except OSError as error:
            self.warn(f"The events of these acts could not be written ({error.strerror}); the rows tell of them.")
