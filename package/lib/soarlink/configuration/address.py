"""The address of a SOAR server as people paste it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from soarlink.errors import SettingsError
from soarlink.splunk.settings import without_login

_HTTPS = 443
_HOST = re.compile(r"[\w.-]+")
_FORM = "It must be https://host or https://host:port; the port is 443 where none is said, often 8443 on premises."


def base_url(text: str) -> str:
    """``https://host[:port]`` of an address with or without scheme, default port, slashes, path and query.

    Raises:
        SettingsError: no address of an HTTPS server.
    """
    given = text.strip()
    scheme, separator, rest = given.partition("://")
    if not separator:
        scheme, rest = "https", given
    if scheme.lower() != "https":
        raise SettingsError(f'The URL "{without_login(given)}" is not https.', "SOAR speaks TLS only: write https://.")
    try:
        parts = urlsplit(f"https://{rest}")
        host, port, user = parts.hostname or "", parts.port, parts.username
    except ValueError:  # half an IPv6 address, a port that is no number
        host, port, user = "", None, None
    if user is not None or "@" in rest:
        raise SettingsError(
            f'The URL "{without_login(given)}" holds a user name.', "Enter user and password in their own fields."
        )
    if port == 0 or not (_HOST.fullmatch(host) or ":" in host):
        raise SettingsError(f'The URL "{without_login(given)}" is no address.', _FORM)
    shown = f"[{host}]" if ":" in host else host
    return f"https://{shown}" if port in (None, _HTTPS) else f"https://{shown}:{port}"
