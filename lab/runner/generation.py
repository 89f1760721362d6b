"""The add-on's generating commands within a search."""

from __future__ import annotations

import itertools
import shlex
from typing import TYPE_CHECKING

from lab.runner.searchcommand import Search, run_command
from lab.spl.refusal import SearchRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.runner.sending import Stage
    from lab.spl.value import Row

_numbers = itertools.count(1)


def generated(stage: Stage, name: str, arguments: str, user: str) -> Iterator[Row]:
    """Run a command with the session of whoever searches, and give its rows.

    Args:
        stage: the lab.
        name: the command.
        arguments: what follows it in the search.
        user: who searches.

    Raises:
        SearchRefused: the command says what is wrong, or ended without saying it.
    """
    splunkd = stage.splunkd(user)
    sid = f"{int(stage.clock())}.c{next(_numbers)}"
    words = [shlex.quote(word) for word in shlex.split(arguments)]
    search = Search(" ".join([name, *words]), user, splunkd.session_key, splunkd.uri, app=stage.app, sid=sid)
    result = run_command(stage.home, stage.app, search, stage.python)
    errors = [text for kind, text in result.messages if kind in {"ERROR", "FATAL"}]
    if errors or result.exit_code:
        raise SearchRefused(" ".join(errors) or f"The command {name} ended with {result.exit_code}.")
    for row in result.rows:
        yield {field: value for field, value in row.items() if value not in ("", [])}
