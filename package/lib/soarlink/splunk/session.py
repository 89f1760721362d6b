"""A session with the splunkd that started us."""

from __future__ import annotations

from pathlib import Path

from soarlink.secret import Secret
from soarlink.splunk.anchors import server_conf, trust
from soarlink.splunk.splunkd import Splunkd


def connect(uri: str, session_key: Secret, home: Path) -> Splunkd:
    """A session under splunkd's own TLS settings.

    Args:
        uri: ``server_uri`` as splunkd gives it.
        session_key: as splunkd gives it.
        home: ``$SPLUNK_HOME``.
    """
    return Splunkd(uri, session_key, trust(uri, server_conf, home))
