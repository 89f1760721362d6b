"""The wire side of REST: bodies in, answers out, latency and faults in between, and a record of it all."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.soar.fault import Fault, FaultBoard, FaultKind
from lab.soar.request_log import RequestLog, RequestRecord
from lab.soar.rest import Answer, Request, Rest, json_answer

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

ABORT = "standin.abort"
"""Key of the ASGI scope under which the server hands in a function that cuts the connection."""

_HTML = "text/html; charset=utf-8"
_DRIP_STEPS = 20
_FLUSH_SECONDS = 0.02
_log = logging.getLogger("lab.soar")


def _proxy_page(status: int, title: str) -> Answer:
    head = f"<html>\r\n<head><title>{status} {title}</title></head>\r\n"
    body = f"<body>\r\n<center><h1>{status} {title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n"
    return Answer(status, f"{head}{body}</html>\r\n".encode(), _HTML)


_LOGIN_PAGE = Answer(
    200,
    b'<!DOCTYPE html><html><head><title>Sign in | Splunk SOAR</title></head><body><form action="/login" method="post">'
    b'<input name="username"><input name="password" type="password"><button>Sign in</button></form></body></html>',
    _HTML,
)
_PROXY_TITLES = {
    FaultKind.BAD_GATEWAY: "Bad Gateway",
    FaultKind.GATEWAY_TIMEOUT: "Gateway Time-out",
    FaultKind.TOO_LARGE: "Request Entity Too Large",
}
_DROPS = frozenset({FaultKind.DROP_BEFORE_COMMIT, FaultKind.DROP_AFTER_COMMIT, FaultKind.HANG})


@dataclass
class Meter:
    """What the server thread has spent (CPU seconds of the thread, TLS included), and the latency it adds (ms)."""

    server_seconds: float = 0.0
    latency_ms: float = 0.0


class Exchange:
    """The ASGI application below `/rest`."""

    def __init__(self, rest: Rest, board: FaultBoard, log: RequestLog, meter: Meter, *, max_body: int) -> None:
        self._rest = rest
        self._board = board
        self._requests = log
        self._meter = meter
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        content = await self._read(scope, receive)
        began = time.monotonic()
        if self._meter.latency_ms:
            await asyncio.sleep(self._meter.latency_ms / 1000)
        fault = self._board.take(scope["method"], scope["path"])
        worked = time.perf_counter()
        answer = self._answer(scope, content, fault)
        work_ms = (time.perf_counter() - worked) * 1000
        sent = await _deliver(answer, fault, scope, receive, send)
        record = RequestRecord(
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            status=answer.status if sent else None,
            request_bytes=len(content or b""),
            response_bytes=len(answer.content) if sent else 0,
            began=began,
            ms=(time.monotonic() - began) * 1000,
            work_ms=work_ms,
            fault=fault.kind.value if fault else None,
        )
        self._requests.add(record)
        self._meter.server_seconds = time.thread_time()

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        """The body, or None when it is larger than allowed."""
        announced = _header(scope, b"content-length") or "0"
        if announced.isdecimal() and int(announced) > self._max_body:
            return None
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return b"".join(parts)
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self._max_body:
                return None
            if not message.get("more_body", False):
                return b"".join(parts)

    def _answer(self, scope: Scope, content: bytes | None, fault: Fault | None) -> Answer:
        if content is None:
            return _proxy_page(413, "Request Entity Too Large")
        if fault and not fault.is_carried_out:
            return _spoilt(fault, None)
        query = urllib.parse.parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        request = Request(
            method=scope["method"],
            path=scope["path"],
            query=tuple(query),
            authorization=_header(scope, b"authorization"),
            token=_header(scope, b"ph-auth-token"),
            address=scope["client"][0] if scope.get("client") else "127.0.0.1",
            body=content,
        )
        try:
            answer = self._rest.answer(request)
        except Exception:  # noqa: BLE001 - a server answers whatever happens; the log has the rest
            _log.exception("%s %s", request.method, request.path)
            answer = json_answer(500, {"failed": True, "message": "Server error"})
        return _spoilt(fault, answer) if fault else answer


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


def _spoilt(fault: Fault, answer: Answer | None) -> Answer:
    """What the client gets instead of `answer` (None: the request was not carried out)."""
    kind = fault.kind
    if kind in _PROXY_TITLES:
        return _proxy_page(int(kind.value), _PROXY_TITLES[kind])
    failed = {"failed": True, "message": fault.message}
    if kind in {FaultKind.TOO_MANY_REQUESTS, FaultKind.UNAVAILABLE, FaultKind.SERVER_ERROR}:
        headers = {"retry-after": fault.retry_after} if fault.retry_after is not None else {}
        return Answer(int(kind.value), json.dumps(failed).encode(), headers=headers)
    if kind is FaultKind.FAILED:
        return json_answer(200, failed)
    if kind is FaultKind.LOGIN_PAGE:
        return _LOGIN_PAGE
    if kind is FaultKind.REDIRECT:
        return Answer(302, b"", _HTML, {"location": fault.location})
    if kind is FaultKind.EMPTY or answer is None:
        return Answer(200, b"")
    if kind is FaultKind.TRUNCATED_JSON:
        return Answer(answer.status, answer.content[: max(1, len(answer.content) // 2)])
    return answer


async def _deliver(answer: Answer, fault: Fault | None, scope: Scope, receive: Receive, send: Send) -> bool:
    """Send the answer as the fault has it; returns whether the client got all of it."""
    kind = fault.kind if fault else None
    if kind in _DROPS:
        await _cut(scope, receive, at_once=kind is not FaultKind.HANG)
        return False
    if fault and kind is FaultKind.SLOW:
        await asyncio.sleep(fault.seconds)
    await send(_start(answer))
    if kind is FaultKind.DROP_MID_BODY:
        half = answer.content[: len(answer.content) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await asyncio.sleep(_FLUSH_SECONDS)
        await _cut(scope, receive, at_once=True)
        return False
    if fault and kind is FaultKind.SLOW_DRIP:
        size = max(1, -(-len(answer.content) // _DRIP_STEPS))
        parts = [answer.content[start : start + size] for start in range(0, len(answer.content), size)]
        for part in parts:
            await asyncio.sleep(fault.seconds / len(parts))
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return True
    await send({"type": "http.response.body", "body": answer.content})
    return True


def _start(answer: Answer) -> dict[str, object]:
    headers = {"content-type": answer.media_type, "content-length": str(len(answer.content)), **answer.headers}
    encoded = [(key.encode("latin-1"), value.encode("latin-1")) for key, value in headers.items()]
    return {"type": "http.response.start", "status": answer.status, "headers": encoded}


async def _cut(scope: Scope, receive: Receive, *, at_once: bool) -> None:
    """Cut the connection without an answer, at once or when the client has had enough."""
    if at_once:
        scope[ABORT]()
    while (await receive())["type"] != "http.disconnect":
        pass
