"""A stand-in splunkd with the add-on's conf files and access endpoint, steered by lines of JSON.

The development interpreter runs it.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from lab.splunkd import StandInSplunkd
from lab.splunkd.installation import set_local

APP = "TA_send_to_soar"
PACKAGE = Path(__file__).resolve().parents[3] / "package"
FRAGMENT = PACKAGE.parent / "fragments" / "restmap.endpoints.conf"


def serve(folder: Path, es: str) -> None:
    """Serve until standard input ends."""
    app = folder / "home" / "etc" / "apps" / APP
    for part in ("default", "metadata", "bin"):
        shutil.copytree(PACKAGE / part, app / part)
    (app / "lib").symlink_to(PACKAGE / "lib")
    shutil.copy(FRAGMENT, app / "default" / "restmap.conf")
    with StandInSplunkd(folder / "home", folder / "state", apps=(APP,), es=es or None) as splunkd:
        reply({"uri": splunkd.uri, "home": str(splunkd.home), "ca": splunkd.ca_file.read_text(encoding="ascii")})
        for line in sys.stdin:
            reply(obey(splunkd, json.loads(line)))


def obey(splunkd: StandInSplunkd, order: dict[str, Any]) -> Any:
    """Carry out one order and return what it gives."""
    do = order.pop("do")
    if do == "key":
        return splunkd.session_key(order["user"])
    if do == "user":
        splunkd.add_user(order["name"], order["roles"])
    elif do == "fault":
        splunkd.fault(order.pop("method"), order.pop("path"), **order)
    elif do == "clear":
        splunkd.clear_faults()
    elif do == "canned":
        splunkd.canned_search(order["pattern"], order["rows"])
    elif do == "grant":
        set_local(splunkd.home, "authorize", "role_admin", {order["capability"]: order["state"]})
    elif do == "notables":
        asked = getattr(splunkd.notables, order["method"])
        return asked(*order["args"], **order["values"]) if callable(asked) else asked
    elif do == "limits":
        set_local(splunkd.home, "limits", "kvstore", order["values"])
    elif do == "calls":
        return [
            [call.method, call.path.partition("/storage/collections/data/")[2] or call.path] for call in splunkd.calls
        ]
    return None


def reply(value: Any) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), sys.argv[2])
