"""Who is signed in, and whether a request comes from our own pages.

Cookies as Splunk Web names them: `splunkd_<port>` holds splunkd's session key and is closed to scripts,
`splunkweb_csrf_token_<port>` a number that scripts send back in the header `X-Splunk-Form-Key`.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

FORM_KEY = "X-Splunk-Form-Key"
FORM_FIELD = "splunk_form_key"
_SAFE = frozenset({"GET", "HEAD"})


class Cookies:
    """The cookies of one server.

    Args:
        port: Splunk Web's port, which is part of their names.
    """

    def __init__(self, port: int) -> None:
        self._session = f"splunkd_{port}"
        self._form_key = f"splunkweb_csrf_token_{port}"

    def sign_in(self, response: Response, key: str) -> None:
        """Let whoever gets the response be signed in with a session key."""
        response.set_cookie(self._session, key, httponly=True, samesite="strict")
        response.set_cookie(self._form_key, str(secrets.randbits(64)), samesite="strict")

    def sign_out(self, response: Response) -> None:
        """Take the cookies back."""
        response.delete_cookie(self._session)
        response.delete_cookie(self._form_key)

    def key(self, request: Request) -> str:
        """Return the session key of a request; "" when nobody is signed in."""
        return request.cookies.get(self._session, "")

    def form_key(self, request: Request) -> str:
        """Return what a form of ours must hold."""
        return request.cookies.get(self._form_key, "")

    def is_ours(self, request: Request, given: str | None = None) -> bool:
        """Tell whether a request reads only, or comes from a page of ours.

        Args:
            request: the request.
            given: the form key that it brings; by default its header's.
        """
        if request.method in _SAFE:
            return True
        expected = self.form_key(request)
        brought = request.headers.get(FORM_KEY, "") if given is None else given
        return bool(expected) and secrets.compare_digest(brought.encode(), expected.encode())
