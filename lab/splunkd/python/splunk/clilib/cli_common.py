"""Values of the layered configuration below `$SPLUNK_HOME`."""

from __future__ import annotations

import os

from . import conffile


def getMergedConf(confName: str) -> dict[str, dict[str, str]]:
    """Return every stanza of `confName` with its merged values."""
    return conffile.merged(os.environ["SPLUNK_HOME"], confName)


def getConfStanza(confName: str, stanza: str) -> dict[str, str]:
    """Return one stanza; an unknown one is empty."""
    return getMergedConf(confName).get(stanza, {})


def getConfKeyValue(confName: str, stanza: str, key: str) -> str | None:
    """Return one value; None when the key is nowhere set."""
    return getConfStanza(confName, stanza).get(key)


def getMgmtUri() -> str:
    """Return scheme, host and port of splunkd's management port, from web.conf and server.conf."""
    secure = (getConfKeyValue("server", "sslConfig", "enableSplunkdSSL") or "true").lower() in ("true", "1")
    address = getConfKeyValue("web", "settings", "mgmtHostPort") or "127.0.0.1:8089"
    return "{}://{}".format("https" if secure else "http", address)
