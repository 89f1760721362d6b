"""`python -m lab.soar`: the stand-in SOAR as a process of its own."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from lab.soar.server import StandInSoar
from lab.soar.switches import Switches


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lab.soar", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder of the state; made when absent")
    parser.add_argument("--port", type=int, default=0, help="port (default: that of the last run, else a free one)")
    parser.add_argument(
        "--token-stdin", action="store_true", help="read an automation token from the first line of stdin"
    )
    parser.add_argument("--user", default="splunk", help="name of the automation user (default: splunk)")
    parser.add_argument("--http", action="store_true", help="plain HTTP instead of HTTPS")
    return parser.parse_args()


def main() -> int:
    """Serve until SIGTERM or SIGINT; one JSON line on stdout says where."""
    arguments = _arguments()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    switches = Switches(scheme="http" if arguments.http else "https")
    with StandInSoar(arguments.state, port=arguments.port, switches=switches) as soar:
        if arguments.token_stdin:
            token = sys.stdin.readline().strip()
            if not token:
                print("No token on stdin", file=sys.stderr)  # noqa: T201 - a command
                return 2
            soar.add_automation_user(arguments.user, token)
        print(json.dumps({"url": soar.url, "ca_file": str(soar.ca_file)}), flush=True)  # noqa: T201 - its output
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
