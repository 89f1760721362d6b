"""A disk that has no room for the action's log: what SOAR took is told when there is room again, and once."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from soarlink.errors import JournalError
from soarlink.outbox.item import DELIVERED, PENDING
from soarlink.splunk.actionlog import LogFile
from tests.unit.actions.installed import ROWS
from tests.unit.inputs.site import Site


@contextmanager
def full(action: str = "send_to_soar") -> Iterator[None]:
    """No room for the lines of an action."""
    append = LogFile.append

    def refusing(self: LogFile, lines: bytes) -> None:
        if f'action_name="{action}"'.encode() in lines:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        append(self, lines)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LogFile, "append", refusing)
        yield


def test_the_outbox_keeps_what_could_not_be_told(site: Site) -> None:
    """The item stays pending; the next round finds its container and tells its row."""
    site.queue(ROWS)
    site.later(25)
    with full(), pytest.raises(JournalError, match="no room"):
        site.deliveries().round()
    assert {item.state for item in site.items()} == {PENDING}
    site.deliveries().round()
    assert {item.state for item in site.items()} == {DELIVERED}
    assert site.installed.statuses() == {rid: ["pending", "success"] for rid in "012"}
    assert len({item.container_id for item in site.items()}) == 3


def test_a_journal_stays_until_its_rows_are_told(site: Site) -> None:
    """As the delivery input works it off: nothing is sent again, the lines come when there is room."""
    site.alert(ROWS)
    site.later(30)
    journals = site.journals()
    with full():
        assert journals.round(site.outbox) == 0
    assert len(site.installed.journals()) == 1
    assert site.installed.statuses() == {rid: ["pending"] for rid in "012"}
    asked = len(site.soar.requests("POST"))
    site.later(31)
    assert journals.round(site.outbox) == 1
    assert site.installed.statuses() == {rid: ["pending", "success"] for rid in "012"}
    assert len(site.soar.requests("POST")) == asked


def test_an_action_leaves_to_the_input_what_it_could_not_tell(site: Site) -> None:
    """SOAR has the rows, so the action has done its work; the input tells them, invocation and end, once."""
    with full():
        assert site.installed.run(site.installed.results(ROWS)) == 0
    assert site.installed.statuses() == {}
    assert len(site.installed.journals()) == 1
    assert site.journals().round(site.outbox) == 1
    assert site.installed.statuses() == {rid: ["success"] for rid in "012"}
    assert [line["rid"] for line in site.installed.lines("Invoking")] == ["0", "1", "2"]
    assert len(site.soar.requests("POST /rest/container")) == 1
