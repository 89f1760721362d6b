"""Starts a program, waits for it and writes what it took; a process of its own, so small that it does not count.

``python -IS meter.py OUTPUT PROGRAM [ARGUMENT]...`` writes one JSON object to the file OUTPUT and exits as the program
did. On Linux a process inherits the peak memory of whoever started it: that is why the benchmark does not start
programs itself.
"""

import json
import os
import sys
import time


def main() -> int:
    """Run the program."""
    output, *command = sys.argv[1:]
    started = time.perf_counter()
    process = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - started
    code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    unit = 1 if sys.platform == "darwin" else 1024
    took = {
        "exit_code": code,
        "wall": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss * unit,
    }
    with open(output, "w", encoding="ascii") as stream:  # noqa: PTH123 - pathlib would triple this process
        json.dump(took, stream)
    return 128 - code if code < 0 else code


if __name__ == "__main__":
    sys.exit(main())
