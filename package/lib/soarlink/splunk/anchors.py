"""Whom to trust at splunkd."""

from __future__ import annotations

from pathlib import Path
from typing import Callable
from urllib.parse import urlsplit

from soarlink.wire.trust import Trust, certificates

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

ServerConf = Callable[[str], str]
"""A key of server.conf [sslConfig] as splunkd sees it, "" when it is not set."""


def trust(uri: str, server_conf: ServerConf, splunk_home: Path) -> Trust:
    """Whom to trust at ``server_uri``: what splunkd itself is set up with in server.conf.

    splunkd's own certificate counts as an anchor, beside the authorities that server.conf names: a default Splunk
    presents a certificate of a private authority that names no host, a hardened one a certificate of the customer's.
    Only on loopback is the host name not checked.
    """
    found = []
    for key in ("sslRootCAPath", "caCertFile", "serverCert"):
        text = server_conf(key).replace("$SPLUNK_HOME", str(splunk_home))
        if not text:
            continue
        path = Path(text) if Path(text).is_absolute() else splunk_home / text
        try:
            found.append(certificates(path.read_text(encoding="utf-8", errors="replace")))
        except OSError:
            continue  # a path that does not exist trusts nobody; the others may do
    anchors = "\n".join(text for text in found if text)
    host = urlsplit(uri).hostname or ""
    return Trust(anchors, check_name=host not in _LOOPBACK, anchors_are_pinned=bool(anchors))


def server_conf(key: str) -> str:
    """A key of server.conf [sslConfig], asked of Splunk's own package."""
    from splunk.clilib.cli_common import getConfKeyValue  # there only under splunkd

    try:
        return str(getConfKeyValue("server", "sslConfig", key) or "")
    except Exception:  # noqa: BLE001 - Splunk raises what it likes for a key that is not set
        return ""
