"""The pages of the stand-in itself: signing in, where to start, and what surrounds an app's views."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import jinja2
from starlette.responses import HTMLResponse, Response

if TYPE_CHECKING:
    from starlette.requests import Request

LOCALE = "en-US"
ROOT = f"/{LOCALE}"
THEMES = ("light", "dark")
_THEME_COOKIE = "lab_theme"
_NO_STORE = {"cache-control": "no-store"}


class Templates:
    """Renders pages and scripts of the stand-in."""

    def __init__(self) -> None:
        loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
        self._environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
        self._environment.trim_blocks = self._environment.lstrip_blocks = True
        self._environment.globals["root"] = ROOT

    def page(self, template: str, request: Request, status: int = 200, **values: Any) -> HTMLResponse:
        """Return a page in the visitor's theme."""
        text = self._environment.get_template(template).render(theme=theme_of(request), here=request.url.path, **values)
        return HTMLResponse(text, status, headers=_NO_STORE)

    def script(self, template: str, **values: Any) -> Response:
        """Return a script with values in it."""
        text = self._environment.get_template(template).render(**values)
        return Response(text, media_type="text/javascript", headers=_NO_STORE)


def theme_of(request: Request) -> str:
    """Return the theme that the visitor has chosen."""
    chosen = request.cookies.get(_THEME_COOKIE, THEMES[0])
    return chosen if chosen in THEMES else THEMES[0]


def choose_theme(response: Response, theme: str) -> None:
    """Remember a theme."""
    response.set_cookie(_THEME_COOKIE, theme if theme in THEMES else THEMES[0], samesite="strict")


def local_address(given: str) -> str:
    """Return an address of this server that a visitor asked to be sent to; the start page for any other."""
    return given if given.startswith(f"{ROOT}/") and "//" not in given and "\\" not in given else f"{ROOT}/"


async def form_fields(request: Request) -> dict[str, str]:
    """Return the fields of a form that a page of ours sent."""
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
