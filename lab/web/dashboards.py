"""Dashboard Studio views, shown by Splunk's own renderer, which `make dashboards` puts beside the repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import FileResponse, Response
from starlette.routing import Route

from lab.web.pages import ROOT, theme_of
from lab.web.views import media_type

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request

    from lab.web.pages import Templates
    from lab.web.views import View

RENDERER = Path(__file__).parents[2] / "build" / "studio"
"""Where tools/studio.py puts the renderer."""

_PAGE = "page.js"


class Dashboards:
    """Pages around the renderer.

    Args:
        templates: how pages are made.
        renderer: the folder that holds the renderer's files.
    """

    def __init__(self, templates: Templates, renderer: Path) -> None:
        self._templates = templates
        self._renderer = renderer

    def routes(self) -> Iterable[Route]:
        """Return the routes of the renderer's files."""
        return (Route(f"{ROOT}/lab/studio/{{name}}", self._file),)

    def page(self, request: Request, view: View) -> Response:
        """Return a view's page; how to get the renderer when it is not there.

        Args:
            request: the visitor's request.
            view: a view that has a definition.
        """
        if not (self._renderer / _PAGE).is_file():
            return self._templates.page("no_renderer.html", request, 503, what=view.label)
        dashboard = {"definition": json.loads(view.definition or ""), "root": ROOT, "theme": theme_of(request)}
        return self._templates.page("dashboard.html", request, view=view, dashboard=dashboard)

    async def _file(self, request: Request) -> Response:
        file = self._renderer / request.path_params["name"]
        if not file.is_file():
            return Response("Not Found", 404, media_type="text/plain")
        # Asked for again each time: a newer bundle has the same names.
        return FileResponse(file, media_type=media_type(file), headers={"cache-control": "no-cache"})
