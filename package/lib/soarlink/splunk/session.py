"""A session with the splunkd that started us."""

from __future__ import annotations

from pathlib import Path

from soarlink.secret import Secret
from soarlink.splunk.splunkd import Splunkd, trust


def connect(uri: str, session_key: Secret, home: Path) -> Splunkd:
    """A session under splunkd's own TLS settings.

    Args:
        uri: ``server_uri`` as splunkd gives it.
        session_key: as splunkd gives it.
        home: ``$SPLUNK_HOME``.
    """
    return Splunkd(uri, session_key, trust(uri, _server_conf, home))


def _server_conf(key: str) -> str:
    from splunk.clilib.cli_common import getConfKeyValue  # Splunk's own, there only under splunkd

    try:
        return str(getConfKeyValue("server", "sslConfig", key) or "")
    except Exception:  # noqa: BLE001 - Splunk raises what it likes for a key that is not set
        return ""
