"""What the endpoint's process loads."""

from __future__ import annotations

import os
import subprocess
import sys

_HEAVY = ("requests", "urllib3", "solnlib", "splunklib", "splunktaucclib", "certifi", "soarlink.wire.exchange")


def test_the_endpoint_loads_nothing_heavy() -> None:
    """Its process may be shared with other apps, whose copy of a library would be used."""
    code = (
        "import sys, soarlink.access.endpoint, soarlink.access.loopback, soarlink.splunk.actionlog\n"
        "print('\\n'.join(sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    loaded = done.stdout.split()
    assert "soarlink.access.endpoint" in loaded
    assert [name for name in loaded if name.split(".")[0] in _HEAVY or name in _HEAVY] == []
