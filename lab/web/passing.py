"""`/en-US/splunkd/__raw/…`: calls of pages, passed on to splunkd as Splunk Web does."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from lab.splunkd.request import parse_target
from lab.web.pages import ROOT

if TYPE_CHECKING:
    from starlette.requests import Request

    from lab.web.exposure import Exposures
    from lab.web.session import Cookies
    from lab.web.splunkd import Splunkd

PREFIX = f"{ROOT}/splunkd/__raw"
_CSRF = "Splunk cannot authenticate the request. CSRF validation failed."


class Passing:
    """Passes on what is exposed, for whoever is signed in, when it comes from a page of ours.

    Args:
        splunkd: where to.
        cookies: who is signed in.
        exposures: what may be reached.
    """

    def __init__(self, splunkd: Splunkd, cookies: Cookies, exposures: Exposures) -> None:
        self._splunkd = splunkd
        self._cookies = cookies
        self._exposures = exposures
        self._lock = threading.Lock()
        self._refused: list[str] = []

    @property
    def refused(self) -> list[str]:
        """Return "METHOD /path" of each call that was not passed on since nothing exposes it."""
        with self._lock:
            return list(self._refused)

    async def answer(self, request: Request) -> Response:
        """Pass one call on and its answer back."""
        body = await request.body()
        target = request.scope["raw_path"].decode("ascii").removeprefix(PREFIX)
        path, _, segments, _ = parse_target(target)
        methods = self._exposures.methods(segments)
        if request.method not in methods:
            with self._lock:
                self._refused.append(f"{request.method} {path}")
            return _message(405 if methods else 404, "Method Not Allowed" if methods else "Not Found")
        if not self._cookies.is_ours(request):
            return _message(401, _CSRF)
        return await self._pass_on(request, target, body)

    async def _pass_on(self, request: Request, target: str, body: bytes) -> Response:
        query = request.scope["query_string"].decode("ascii")
        reply = await run_in_threadpool(
            self._splunkd.call,
            request.method,
            f"{target}?{query}" if query else target,
            self._cookies.key(request),
            body=body,
            content_type=request.headers.get("content-type", ""),
        )
        headers = {"cache-control": "no-store"}
        return Response(reply.body, reply.status, headers=headers, media_type=reply.content_type or None)


def _message(status: int, text: str) -> Response:
    return JSONResponse({"messages": [{"type": "ERROR", "text": text}]}, status, headers={"cache-control": "no-store"})
