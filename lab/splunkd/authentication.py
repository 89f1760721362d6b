"""Login, the caller's own context, users, roles and capabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from lab.splunkd.entry import Acl, Entry, one, page
from lab.splunkd.refusal import Refused, missing_argument, missing_capability
from lab.splunkd.response import Response, json_response, xml_response
from lab.splunkd.router import Route

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lab.splunkd.instance import Instance
    from lab.splunkd.passwords import PasswordStore
    from lab.splunkd.request import Request
    from lab.splunkd.users import Sessions, User, Users


class AuthenticationEndpoints:
    """Who may come in, and as whom."""

    def __init__(self, instance: Instance, users: Users, sessions: Sessions, passwords: PasswordStore) -> None:
        self._instance = instance
        self._users = users
        self._sessions = sessions
        self._passwords = passwords

    def routes(self) -> Iterable[Route]:
        """Return the routes of authentication and authorization."""
        users, roles = "authentication/users", "authorization/roles"
        return (
            Route("POST", "auth/login", self._login, public=True),
            Route("GET", "authentication/current-context", self._context),
            Route("GET", "authentication/current-context/context", self._context),
            Route("GET", users, self._list_users),
            Route("GET", f"{users}/{{name}}", self._get_user),
            Route("GET", roles, self._list_roles),
            Route("GET", f"{roles}/{{name}}", self._get_role),
            Route("GET", "authorization/capabilities", self._capabilities),
        )

    def _login(self, request: Request) -> Response:
        args = request.args
        for name in ("username", "password"):
            if name not in args:
                raise missing_argument(name)
        if not self._passwords.login(args["username"], args["password"]):
            raise Refused(401, "Login failed", kind="WARN")
        key = self._sessions.issue(args["username"])
        if request.output_mode == "json":
            return json_response({"sessionKey": key, "message": "", "code": ""})
        headers: tuple[tuple[str, str], ...] = ()
        if args.get("cookie") == "1":
            headers = (("Set-Cookie", f"splunkd_8089={key}; Path=/; Secure; HttpOnly; Max-Age=3600"),)
        text = f'<sessionKey>{escape(key)}</sessionKey>\n  <messages>\n    <msg code=""></msg>\n  </messages>'
        return xml_response(f"<response>\n  {text}\n</response>\n", headers=headers)

    def _context(self, request: Request) -> Response:
        entry = Entry("context", _user_content(request.user), Acl("system", "system"), ("list",))
        feed = one("authentication/current-context", entry, namespaced=False)
        return self._instance.feed(request, feed)

    def _list_users(self, request: Request) -> Response:
        visible = self._users.names() if _sees_all(request.user) else [request.user.name]
        entries = [self._user_entry(name) for name in visible]
        return self._instance.feed(request, page(request, "authentication/users", entries, namespaced=False))

    def _get_user(self, request: Request) -> Response:
        name = request.entity_name()
        if name != request.user.name and not _sees_all(request.user):
            raise missing_capability(request.user.name, "list_users")
        return self._instance.feed(request, one("authentication/users", self._user_entry(name), namespaced=False))

    def _user_entry(self, name: str) -> Entry:
        return Entry(name, _user_content(self._users.get(name)), Acl("system", "system"))

    def _list_roles(self, request: Request) -> Response:
        entries = [self._role_entry(role) for role in self._users.roles()]
        return self._instance.feed(request, page(request, "authorization/roles", entries, namespaced=False))

    def _get_role(self, request: Request) -> Response:
        name = request.entity_name()
        if name not in self._users.roles():
            raise Refused(404, f"Could not find object id={name}")
        return self._instance.feed(request, one("authorization/roles", self._role_entry(name), namespaced=False))

    def _role_entry(self, name: str) -> Entry:
        own = self._users.capabilities(name)
        imported = self._users.imported_roles(name)
        inherited = sorted(frozenset().union(*(self._users.capabilities(role) for role in imported)))
        content = {
            "capabilities": sorted(own - frozenset(inherited)),
            "imported_capabilities": inherited,
            "imported_roles": imported,
            "imported_srchIndexesAllowed": self._users.inherited_indexes(name),
            "srchIndexesAllowed": self._users.searched_indexes(name),
        }
        return Entry(name, content, Acl("system", "system"))

    def _capabilities(self, request: Request) -> Response:
        content = {"capabilities": self._users.all_capabilities()}
        entry = Entry("capabilities", content, Acl("system", "system"), ("list",))
        return self._instance.feed(request, one("authorization/capabilities", entry, namespaced=False))


def _sees_all(user: User) -> bool:
    return "list_users" in user.capabilities or "edit_user" in user.capabilities


def _user_content(user: User) -> dict[str, object]:
    return {
        "capabilities": sorted(user.capabilities),
        "defaultApp": "search",
        "email": "",
        "realname": user.name,
        "roles": list(user.roles),
        "type": "Splunk",
        "tz": "",
        "username": user.name,
    }
