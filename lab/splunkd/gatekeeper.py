"""From a request off the wire to its answer: caller, route, capability, refusals."""

from __future__ import annotations

import base64
import binascii
import traceback
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, NoReturn

from lab.splunkd.refusal import Refused, missing_capability
from lab.splunkd.rendering import refusal
from lab.splunkd.request import Request, parse_target
from lab.splunkd.server import Answer
from lab.splunkd.users import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lab.splunkd.faults import Fault
    from lab.splunkd.passwords import PasswordStore
    from lab.splunkd.response import Response
    from lab.splunkd.router import Router
    from lab.splunkd.server import Arrival
    from lab.splunkd.users import Sessions, Users

_CHALLENGE = (("WWW-Authenticate", 'Basic realm="/splunk"'),)


class Gatekeeper:
    """Authenticates, routes and answers.

    Args:
        router: the endpoints.
        users: who is known.
        sessions: which keys are valid.
        passwords: login passwords, for Basic authentication.
        unknown: told about each call that no endpoint knows.
    """

    def __init__(
        self,
        router: Router,
        users: Users,
        sessions: Sessions,
        passwords: PasswordStore,
        unknown: Callable[[str, str], None],
    ) -> None:
        self._router = router
        self._users = users
        self._sessions = sessions
        self._passwords = passwords
        self._unknown = unknown

    def respond(self, arrival: Arrival) -> Answer:
        """Answer a request; whatever the client did wrong becomes a refusal."""
        request = _request(arrival)
        session = Session("", "client")
        try:
            found = self._router.find(request.method, request.segments)
            if found is None or not found[0].public:
                session, request = self._authenticate(request)
            route, params = found or self._refuse_unknown(request)
            _require(route.capability, request)
            response = route.handler(request.with_params(params))
        except Refused as refused:
            response = refusal(_output_mode(request), refused)
        except Exception as error:  # noqa: BLE001 - a mistake of the stand-in must fail the test, not vanish in a thread
            self._unknown(request.method, f"{request.path} failed in the stand-in: {type(error).__name__}")
            traceback.print_exc()
            response = refusal(_output_mode(request), Refused(500, "The stand-in failed."))
        return Answer(response, session.user, session.origin)

    def _refuse_unknown(self, request: Request) -> NoReturn:
        self._unknown(request.method, request.path)
        raise Refused(404, "Not Found")

    def inject(self, arrival: Arrival, fault: Fault) -> Response:
        """Return the answer of a fault, in the output mode of the request."""
        return refusal(_output_mode(_request(arrival)), Refused(fault.status, fault.body))

    def _authenticate(self, request: Request) -> tuple[Session, Request]:
        scheme, key = _credentials(request.headers)
        if scheme == "basic":
            session = Session(self._basic(key), "client")
        elif scheme in {"splunk", "bearer"}:
            session = self._sessions.resolve(scheme, key)
        else:
            raise _unauthorized()
        return session, request.with_caller(self._users.get(session.user))

    def _basic(self, text: str) -> str:
        try:
            user, _, password = base64.b64decode(text, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise _unauthorized() from error
        if not self._passwords.login(user, password):
            raise _unauthorized()
        return user


def _request(arrival: Arrival) -> Request:
    path, namespace, segments, query = parse_target(arrival.target)
    return Request(arrival.method, path, namespace, segments, query, arrival.body, arrival.headers)


def _require(capability: str, request: Request) -> None:
    if capability and capability not in request.user.capabilities:
        raise missing_capability(request.user.name, capability)


def _unauthorized() -> Refused:
    return Refused(401, "Unauthorized", headers=_CHALLENGE)


def _output_mode(request: Request) -> str:
    return request.output_mode if request.output_mode in {"json", "xml"} else "xml"


def _credentials(headers: Mapping[str, str]) -> tuple[str, str]:
    lower = {name.lower(): value for name, value in headers.items()}
    scheme, _, key = lower.get("authorization", "").partition(" ")
    if scheme:
        return scheme.lower(), key.strip()
    try:
        cookies = SimpleCookie(lower.get("cookie", ""))
    except CookieError:
        return "", ""
    for name, morsel in cookies.items():
        if name.startswith("splunkd_"):
            return "splunk", morsel.value
    return "", ""
