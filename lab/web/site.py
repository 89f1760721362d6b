"""The addresses of the stand-in and what answers them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from lab.web.dashboards import Dashboards
from lab.web.editor import Editor
from lab.web.pages import LOCALE, ROOT, THEMES, Templates, choose_theme, form_fields, local_address, theme_of
from lab.web.passing import PREFIX, Passing
from lab.web.views import media_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from lab.splunkd.users import User
    from lab.web.session import Cookies
    from lab.web.splunkd import Splunkd
    from lab.web.trial import Trial
    from lab.web.views import Apps

_STATIC = Path(__file__).parent / "static"
_NO_STORE = {"cache-control": "no-store"}
_OK = 200
_SCRIPTS = {
    "build/api/layout.js": "light",
    "build/api/layout-dark.js": "dark",
}


class Site:
    """Everything but the calls that are passed on.

    Args:
        app: the app whose views the bar shows.
        apps: the installed apps.
        splunkd: where visitors sign in.
        cookies: who is signed in.
        port: the server's port.
        version: Splunk's version.
        users: who can sign in.
        trial: what can be tried with the add-on; None for its own pages alone.
        renderer: the folder with what draws dashboards.
    """

    def __init__(
        self,
        *,
        app: str,
        apps: Apps,
        splunkd: Splunkd,
        cookies: Cookies,
        port: int,
        version: str,
        users: Sequence[User],
        trial: Trial | None,
        renderer: Path,
    ) -> None:
        self._app = app
        self._apps = apps
        self._splunkd = splunkd
        self._cookies = cookies
        self._port = port
        self._version = version
        self._users = users
        self._templates = Templates()
        self._dashboards = Dashboards(self._templates, renderer)
        self._editor = (
            Editor(trial, apps=apps, splunkd=splunkd, cookies=cookies, templates=self._templates, app=app)
            if trial
            else None
        )

    def routes(self, passing: Passing) -> list[Route]:
        """Return the routes."""
        return [
            Route(f"{PREFIX}/{{path:path}}", passing.answer, methods=["GET", "POST", "DELETE"]),
            Route(f"{ROOT}/account/login", self._login, methods=["GET", "POST"]),
            Route(f"{ROOT}/account/logout", self._logout),
            Route(f"{ROOT}/config", self._config),
            Route(f"{ROOT}/i18ncatalog", self._i18n),
            Route(f"{ROOT}/static/{{path:path}}", self._static),
            Route(f"{ROOT}/app/{{app}}/{{view}}", self._view),
            Route(f"{ROOT}/lab/static/{{name}}", self._own_static),
            Route(f"{ROOT}/lab/theme", self._theme),
            Route("/favicon.ico", self._icon),
            Route("/", self._home),
            Route(ROOT, self._home),
            Route(f"{ROOT}/", self._home),
            Route("/app/{app}/{view}", self._with_locale),
            *self._dashboards.routes(),
            *(self._editor.routes() if self._editor else ()),
        ]

    async def _user(self, request: Request) -> str | None:
        visitor = await run_in_threadpool(self._splunkd.visitor, self._cookies.key(request))
        return visitor.name if visitor else None

    async def _home(self, request: Request) -> Response:
        if await self._user(request) is None:
            return self._to_login(request)
        first = "lab/start" if self._editor else f"app/{quote(self._app)}/configuration"
        return RedirectResponse(f"{ROOT}/{first}", 302)

    async def _login(self, request: Request) -> Response:
        if request.method == "GET":
            return self._login_page(request, local_address(request.query_params.get("return_to", "")), chosen="admin")
        form = await form_fields(request)
        return_to = local_address(form.get("return_to", ""))
        user = form.get("username", "")
        key = await run_in_threadpool(self._splunkd.login, user, form.get("password", ""))
        if key is None:
            return self._login_page(request, return_to, chosen=user, refused=True)
        response = RedirectResponse(return_to, 303, headers=_NO_STORE)
        self._cookies.sign_in(response, key)
        return response

    def _login_page(self, request: Request, return_to: str, *, chosen: str, refused: bool = False) -> Response:
        status = 401 if refused else 200
        values = {"return_to": return_to, "chosen": chosen, "refused": refused, "users": self._users}
        return self._templates.page("login.html", request, status, **values)

    def _to_login(self, request: Request) -> Response:
        here = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
        return RedirectResponse(f"{ROOT}/account/login?{urlencode({'return_to': here})}", 302)

    async def _logout(self, _request: Request) -> Response:
        response = RedirectResponse(f"{ROOT}/account/login", 302, headers=_NO_STORE)
        self._cookies.sign_out(response)
        return response

    async def _theme(self, request: Request) -> Response:
        response = RedirectResponse(local_address(request.query_params.get("return_to", "")), 302, headers=_NO_STORE)
        choose_theme(response, request.query_params.get("theme", ""))
        return response

    async def _view(self, request: Request) -> Response:
        view = self._apps.view(request.path_params["app"], request.path_params["view"])
        if view is None or (view.template is None and view.definition is None):
            return self._templates.page("missing.html", request, 404, what=request.url.path)
        if await self._user(request) is None:
            return self._to_login(request)
        key, app = self._cookies.key(request), request.path_params["app"]
        reply = await run_in_threadpool(self._splunkd.view, key, app, view.name)
        if reply.status != _OK:
            return self._templates.page("forbidden.html", request, reply.status, what=view.label)
        if view.template is None:
            return self._dashboards.page(request, view)
        return FileResponse(view.template, media_type="text/html", headers=_NO_STORE)

    async def _with_locale(self, request: Request) -> Response:
        """Redirect as Splunk Web does: links in dashboards name no locale."""
        query = request.url.query
        return RedirectResponse(f"{ROOT}{request.url.path}" + (f"?{query}" if query else ""), 303)

    async def _config(self, request: Request) -> Response:
        config = {
            "BUILD_NUMBER": "lab",
            "BUILD_PUSH_NUMBER": 0,
            "LOCALE": LOCALE,
            "MRSPARKLE_PORT_NUMBER": self._port,
            "MRSPARKLE_ROOT_PATH": "",
            "SERVER_ZONEINFO": "### SERIALIZED TIMEZONE FORMAT 1.0;Y0 N 55 54 43",
            "SPLUNKD_PATH": PREFIX,
            "SPLUNK_UI_THEME": theme_of(request),
            "STATIC_ROOT": "",
            "USERNAME": await self._user(request) or "",
            "VERSION_LABEL": self._version,
        }
        return self._templates.script("config.js", config=config)

    async def _i18n(self, _request: Request) -> Response:
        return FileResponse(_STATIC / "i18n.js", media_type="text/javascript")

    async def _static(self, request: Request) -> Response:
        # Builds are named in elements like "@123", so that browsers don't keep files of an older one.
        path = "/".join(part for part in request.path_params["path"].split("/") if not part.startswith("@"))
        if path == "js/i18n.js":
            return await self._i18n(request)
        if path == "build/api/get_theme.js":
            return self._templates.script("get_theme.js", theme=theme_of(request))
        if path in _SCRIPTS:
            return await self._layout(request, _SCRIPTS[path])
        kind, _, rest = path.partition("/")
        app, _, name = rest.partition("/")
        file = self._apps.resource(app, name) if kind == "app" else None
        if file is None:
            return Response("Not Found", 404, media_type="text/plain")
        # Each build has addresses of its own, so what was loaded once is good for ever.
        kept = {"cache-control": "private, max-age=31536000"} if "@" in request.path_params["path"] else _NO_STORE
        return FileResponse(file, media_type=media_type(file), headers=kept)

    async def _layout(self, request: Request, theme: str) -> Response:
        other = THEMES[1 - THEMES.index(theme)]
        seen = await run_in_threadpool(self._splunkd.views, self._cookies.key(request), self._app)
        bar = {
            "app": self._apps.label(self._app),
            "home": f"{ROOT}/",
            "otherTheme": {
                "label": f"{other.capitalize()} theme",
                "address": f"{ROOT}/lab/theme?theme={other}&return_to=",
            },
            "signOut": f"{ROOT}/account/logout",
            "style": f"{ROOT}/lab/static/lab.css",
            "theme": theme,
            "user": f"Sign out {await self._user(request)}",
            "views": [
                {"label": view.label, "address": f"{ROOT}/app/{quote(self._app)}/{quote(view.name)}"}
                for view in self._apps.navigation(self._app)
                if view.name in seen
            ],
        }
        return self._templates.script("layout.js", bar=bar)

    async def _own_static(self, request: Request) -> Response:
        file = _STATIC / request.path_params["name"]
        if not file.is_file():
            return Response("Not Found", 404, media_type="text/plain")
        return FileResponse(file, media_type=media_type(file), headers=_NO_STORE)

    async def _icon(self, _request: Request) -> Response:
        return FileResponse(_STATIC / "favicon.svg", media_type="image/svg+xml")
