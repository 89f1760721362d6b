"""Where the write-back begins after it was off for long: with what changes in SOAR from then on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from soarlink.feedback.case import OPEN
from soarlink.writeback.ledger import BEFORE

if TYPE_CHECKING:
    from collections.abc import Callable

    from soarlink.feedback.cases import Cases

NOTE = "it changed before notables were updated; it is written when it changes again"


def pass_over(cases: Cases, go_on: Callable[[], bool]) -> bool:
    """Leave all that changed up to now as it is; updates that were cut short are still to be looked for.

    Args:
        cases: the containers of one account.
        go_on: asked before each portion.

    Returns:
        Whether that is done; False when it was not to go on.
    """
    for named in (True, False):
        while go_on():
            found = cases.awaiting((OPEN,), named=named)
            if not found:
                break
            for case in found:
                cases.change(replace(case, writeback=BEFORE, writeback_note=NOTE))
            cases.save()
        else:
            return False
    return True
