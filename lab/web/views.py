"""The views of an installed app: their shell, their files, and what Splunk Web's pages load beside them.

Facts about the page that UCC 6.6 builds: it is `appserver/templates/base.html` as it stands; it loads `config`,
`i18n.js` and `i18ncatalog`, then its own modules; those load `build/api/get_theme.js` and `build/api/layout.js`
(`layout-dark.js` in the dark theme), which leave `__get_theme__` and `__splunk_layout__` in the window.
"""

from __future__ import annotations

import mimetypes
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from lab.splunkd.request import NOBODY, Namespace

if TYPE_CHECKING:
    from pathlib import Path

    from lab.splunkd.confstore import ConfStore

_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_STUDIO = "2"
"""What `<dashboard version>` says of a Dashboard Studio view."""


@dataclass(frozen=True)
class View:
    """One view of an app.

    Args:
        name: last part of its address.
        label: what people call it.
        template: the page, when it is one of the app's own.
        definition: what Dashboard Studio shows, as JSON, when it is a dashboard.
    """

    name: str
    label: str
    template: Path | None
    definition: str | None = None


class Apps:
    """The installed apps as Splunk Web shows them.

    Args:
        folder: `$SPLUNK_HOME/etc/apps`.
        confs: where app.conf is read.
    """

    def __init__(self, folder: Path, confs: ConfStore) -> None:
        self._folder = folder
        self._confs = confs

    def label(self, app: str) -> str:
        """Return the app's label."""
        stanza = self._confs.stanzas("app", Namespace(NOBODY, app)).get("ui")
        return stanza.values.get("label", app) if stanza else app

    def view(self, app: str, name: str) -> View | None:
        """Return a view; None when the app has none of this name."""
        path = self._view_file(app, name)
        if path is None:
            return None
        root = ET.parse(path).getroot()  # noqa: S314 - the add-on's own file
        _, _, template = root.get("template", "").partition(":/templates/")
        page = self._inside(self._folder / app / "appserver" / "templates", template) if template else None
        definition = root.findtext("definition") if root.get("version") == _STUDIO else None
        return View(name, root.findtext("label", name), page, definition)

    def navigation(self, app: str) -> list[View]:
        """Return the views in the app's navigation that the app itself brings, in their order."""
        path = self._folder / app / "default" / "data" / "ui" / "nav" / "default.xml"
        if not path.is_file():
            return []
        names = [element.get("name", "") for element in ET.parse(path).getroot().iter("view")]  # noqa: S314 - as above
        found = [self.view(app, name) for name in names]
        return [view for view in found if view is not None]

    def resource(self, app: str, path: str) -> Path | None:
        """Return a file of `appserver/static`; None when there is none."""
        return self._inside(self._folder / app / "appserver" / "static", path) if _NAME.fullmatch(app) else None

    def alert_form(self, action: str) -> Path | None:
        """Return the form of an alert action, whichever app brings it."""
        if not _NAME.fullmatch(action):
            return None
        found = sorted(self._folder.glob(f"*/default/data/ui/alerts/{action}.html"))
        return found[0] if found else None

    def alert_actions(self, app: str) -> list[str]:
        """Return the names of an app's alert actions that have a form."""
        return sorted(path.stem for path in self._folder.glob(f"{app}/default/data/ui/alerts/*.html"))

    def _view_file(self, app: str, name: str) -> Path | None:
        if not (_NAME.fullmatch(app) and _NAME.fullmatch(name)):
            return None
        return self._inside(self._folder / app / "default" / "data" / "ui" / "views", f"{name}.xml")

    @staticmethod
    def _inside(folder: Path, path: str) -> Path | None:
        target = (folder / path).resolve()
        return target if target.is_file() and target.is_relative_to(folder.resolve()) else None


def media_type(path: Path) -> str:
    """Return the type of a file by its name."""
    # Not left to the machine's own table: modules only run as JavaScript.
    if path.suffix == ".js":
        return "text/javascript"
    return mimetypes.guess_type(path.name)[0] or "application/octet-stream"
