"""splunkd.log, where splunkd says what it started and how that ended."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lab.runner.process import Finished
    from lab.runner.search import Search


class SplunkdLog:
    """Writes the lines of splunkd's component ``sendmodalert``.

    Args:
        path: the log file.
        clock: seconds since the epoch.
    """

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock

    def invoking(self, action: str, search: Search, results_file: Path) -> None:
        """Say that an action is started."""
        kind = "saved" if "scheduler" in search.sid else "adhoc"
        self._write(
            "INFO",
            f'Invoking modular alert action={action} for search="{search.name}" sid="{search.sid}" '
            f'in app="{search.app}" owner="{search.owner}" type="{kind}" results_file="{results_file}"',
        )

    def finished(self, action: str, run: Finished) -> None:
        """Say how it ended, and what it wrote to standard error."""
        for line in run.stderr.splitlines():
            self._write("ERROR", f"action={action} STDERR - {line}")
        duration = f"duration={run.duration * 1000:.0f} ms"
        if run.timed_out:
            self._write("WARN", f"action={action} - Alert action script has been killed, it ran too long, {duration}")
        elif run.exit_code:
            self._write(
                "WARN", f"action={action} - Alert action script returned error code={run.exit_code}, {duration}"
            )
        else:
            self._write("INFO", f"action={action} - Alert action script completed in {duration} with exit code=0")

    def _write(self, level: str, message: str) -> None:
        now = self._clock()
        stamp = time.strftime("%m-%d-%Y %H:%M:%S", time.localtime(now))
        zone = time.strftime("%z", time.localtime(now))
        line = f"{stamp}.{int(now * 1000) % 1000:03d} {zone} {level:<5} sendmodalert [1 AlertNotifier] - {message}\n"
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(line)
