"""The alert form of an action as Splunk's saved-search editor shows it, and a run of the action with what was saved.

Facts about the editor: it takes scripts out of the form and replaces `{{SPLUNKWEB_URL_PREFIX}}`; elements of the form
named `action.<action>.param.<parameter>` hold the parameters of the saved search.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse
from starlette.routing import Route

from lab.runner.errors import LabError
from lab.web.pages import ROOT, form_fields
from lab.web.session import FORM_FIELD

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from lab.runner.report import Report
    from lab.web.pages import Templates
    from lab.web.session import Cookies
    from lab.web.splunkd import Splunkd, Visitor
    from lab.web.trial import Trial
    from lab.web.views import Apps

ACTION = "send_to_soar"
SEARCH_NAME = "Lab - Threat - Incident"
_SEARCH_APP = "search"
_SCRIPT = re.compile(r"<script\b.*?</script\s*>|<script\b[^>]*/>", re.DOTALL | re.IGNORECASE)
_READS_SECRETS = "list_storage_passwords"
_OK = 200


class Editor:
    """The pages of a trial: where to start, the alert form, what a run did.

    Args:
        trial: what is tried.
        apps: where forms are found.
        splunkd: where searches are saved.
        cookies: who is signed in.
        templates: renders pages.
        app: the add-on.
    """

    def __init__(
        self, trial: Trial, *, apps: Apps, splunkd: Splunkd, cookies: Cookies, templates: Templates, app: str
    ) -> None:
        self._trial = trial
        self._apps = apps
        self._splunkd = splunkd
        self._cookies = cookies
        self._templates = templates
        self._app = app

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route(f"{ROOT}/lab/start", self._start),
            Route(f"{ROOT}/lab/alert", self._form),
            Route(f"{ROOT}/lab/alert/run", self._run, methods=["POST"]),
        ]

    async def _visitor(self, request: Request) -> Visitor | None:
        return await run_in_threadpool(self._splunkd.visitor, self._cookies.key(request))

    def _page(self, template: str, request: Request, visitor: Visitor, status: int = 200, **values: Any) -> Response:
        return self._templates.page(template, request, status, visitor=visitor, app=self._app, **values)

    async def _start(self, request: Request) -> Response:
        visitor = await self._visitor(request)
        if visitor is None:
            return _to_login(request)
        # The token is for those who may read tokens anyway.
        soar = self._trial.soar if _READS_SECRETS in visitor.capabilities else None
        return self._page("start.html", request, visitor, soar=soar, soar_url=self._trial.soar.url)

    async def _form(self, request: Request) -> Response:
        visitor = await self._visitor(request)
        if visitor is None:
            return _to_login(request)
        action = request.query_params.get("action", ACTION)
        path = self._apps.alert_form(action)
        if path is None:
            return self._templates.page("missing.html", request, 404, what=f"The action {action}")
        markup = _SCRIPT.sub("", path.read_text(encoding="utf-8")).replace("{{SPLUNKWEB_URL_PREFIX}}", ROOT)
        settings = {
            "action": action,
            "app": self._app,
            "formKey": self._cookies.form_key(request),
            "root": ROOT,
            "searchApp": _SEARCH_APP,
            "user": visitor.name,
        }
        return self._page(
            "alert.html",
            request,
            visitor,
            action=action,
            actions=self._apps.alert_actions(self._app),
            form_field=FORM_FIELD,
            markup=markup,
            search_name=request.query_params.get("name", SEARCH_NAME),
            settings=settings,
        )

    async def _run(self, request: Request) -> Response:
        form = await form_fields(request)
        visitor = await self._visitor(request)
        if visitor is None or not self._cookies.is_ours(request, form.get(FORM_FIELD, "")):
            return _to_login(request)
        name, action = form.get("name", ""), form.get("run", "")
        if self._apps.alert_form(action) is None:
            return self._templates.page("missing.html", request, 404, what=f"The action {action}")
        return await run_in_threadpool(self._run_saved, request, visitor, name, action)

    def _run_saved(self, request: Request, visitor: Visitor, name: str, action: str) -> Response:
        parameters = self._saved(request, visitor, name, action)
        if parameters is None:
            return self._templates.page("missing.html", request, 404, what=f"The saved search {name}")
        try:
            report: Report | None = self._trial.send(visitor.name, name, action, parameters)
            failure = ""
        except LabError as error:
            report, failure = None, str(error)
        return self._page("report.html", request, visitor, report=report, failure=failure, name=name, action=action)

    def _saved(self, request: Request, visitor: Visitor, name: str, action: str) -> dict[str, str] | None:
        path = f"/servicesNS/{quote(visitor.name, safe='')}/{_SEARCH_APP}/saved/searches/{quote(name, safe='')}"
        reply = self._splunkd.call("GET", f"{path}?output_mode=json", self._cookies.key(request))
        if reply.status != _OK:
            return None
        content = json.loads(reply.body)["entry"][0]["content"]
        prefix = f"action.{action}.param."
        return {key.removeprefix(prefix): str(value) for key, value in content.items() if key.startswith(prefix)}


def _to_login(request: Request) -> Response:
    return RedirectResponse(f"{ROOT}/account/login?return_to={quote(request.url.path, safe='')}", 302)
