"""`saved/searches`: savedsearches.conf as a typed endpoint: numbers and booleans are native in JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.splunkd.configs import is_disabled, settings
from lab.splunkd.entry import Entry, one, page
from lab.splunkd.permissions import require_write
from lab.splunkd.refusal import Refused, missing_argument, no_target, unknown_entity
from lab.splunkd.router import Route

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lab.splunkd.confstore import ConfStore, Stanza
    from lab.splunkd.instance import Instance
    from lab.splunkd.permissions import Permissions
    from lab.splunkd.request import Request
    from lab.splunkd.response import Response
    from lab.splunkd.searchjobs import SearchEndpoints

CONF = "savedsearches"
ENDPOINT = "saved/searches"
_DEFAULTS: Mapping[str, str] = {
    "actions": "",
    "alert.digest_mode": "1",
    "alert.expires": "24h",
    "alert.severity": "3",
    "alert_type": "always",
    "dispatch.earliest_time": "",
    "dispatch.latest_time": "",
    "is_scheduled": "0",
    "realtime_schedule": "1",
}
_BOOLEANS = frozenset({"alert.digest_mode", "alert.suppress", "is_scheduled", "realtime_schedule", "is_visible"})
_NUMBERS = frozenset({"alert.severity", "max_concurrent", "dispatch.max_count"})


class SavedSearchEndpoints:
    """Saved searches.

    Args:
        instance: the server.
        confs: where they are declared.
        permissions: who may read and change which.
        jobs: runs them.
    """

    def __init__(self, instance: Instance, confs: ConfStore, permissions: Permissions, jobs: SearchEndpoints) -> None:
        self._instance = instance
        self._confs = confs
        self._permissions = permissions
        self._jobs = jobs

    def routes(self) -> Iterable[Route]:
        """Return the routes of saved searches."""
        return (
            Route("GET", ENDPOINT, self._list),
            Route("POST", ENDPOINT, self._create),
            Route("GET", f"{ENDPOINT}/{{name}}", self._get),
            Route("POST", f"{ENDPOINT}/{{name}}", self._update),
            Route("DELETE", f"{ENDPOINT}/{{name}}", self._delete),
            Route("GET", f"{ENDPOINT}/{{name}}/history", self._history),
            Route("POST", f"{ENDPOINT}/{{name}}/dispatch", self._dispatch, "search"),
        )

    def _list(self, request: Request) -> Response:
        stanzas = self._confs.stanzas(CONF, request.context).values()
        entries = [self._entry(stanza, request) for stanza in stanzas]
        return self._instance.feed(request, page(request, ENDPOINT, entries))

    def _get(self, request: Request) -> Response:
        return self._instance.feed(request, one(ENDPOINT, self._entry(self._find(request), request)))

    def _create(self, request: Request) -> Response:
        name = request.args.get("name", "")
        if not name:
            raise no_target()
        if not request.args.get("search"):
            raise missing_argument("search")
        if name in self._confs.stanzas(CONF, request.context):
            text = f"Unable to create saved search with name '{name}'. A saved search with that name already exists."
            raise Refused(409, text)
        self._write(name, request)
        entry = self._entry(self._confs.stanzas(CONF, request.context)[name], request)
        return self._instance.feed(request, one(ENDPOINT, entry), 201)

    def _update(self, request: Request) -> Response:
        self._write(self._find(request).name, request)
        return self._get(request)

    def _delete(self, request: Request) -> Response:
        name = self._find(request).name
        self._require_write(name, request)
        self._confs.delete(CONF, request.context, name)
        return self._list(request)

    def _history(self, request: Request) -> Response:
        """Nothing is scheduled here, so no run of the schedule can be looked at."""
        self._find(request)
        return self._instance.feed(request, page(request, f"{ENDPOINT}/history", []))

    def _dispatch(self, request: Request) -> Response:
        values = self._find(request).values

        def given(name: str) -> str:
            return request.args.get(f"dispatch.{name}", values.get(f"dispatch.{name}", ""))

        earliest, latest = given("earliest_time"), given("latest_time")
        indexed = given("index_earliest"), given("index_latest")
        return self._jobs.created(request, self._jobs.dispatch(request, values["search"], earliest, latest, indexed))

    def _write(self, name: str, request: Request) -> None:
        self._require_write(name, request)
        # `search` is the filter of a listing, but the search itself when one is saved.
        values = settings(request.args)
        if "search" in request.args:
            values["search"] = request.args["search"]
        self._confs.write(CONF, request.context, name, values)

    def _require_write(self, name: str, request: Request) -> None:
        if request.context.owner == request.user.name:
            return  # everyone may have private searches
        require_write(self._permissions.acl(request.context.app, CONF, name, request.user), request.user)

    def _find(self, request: Request) -> Stanza:
        stanza = self._confs.stanzas(CONF, request.context).get(request.entity_name())
        if stanza is None:
            raise unknown_entity(request.entity_name())
        return stanza

    def _entry(self, stanza: Stanza, request: Request) -> Entry:
        values: dict[str, Any] = {key: _typed(key, value) for key, value in {**_DEFAULTS, **stanza.values}.items()}
        content = {**values, "disabled": is_disabled(stanza.values), "eai:appName": stanza.app}
        acl = self._permissions.acl(stanza.app, CONF, stanza.name, request.user, removable=stanza.local)
        return Entry(stanza.name, content, acl, ("list", "edit", "remove", "disable"))


def _typed(key: str, value: str) -> str | int | bool:
    if key in _BOOLEANS:
        return value.lower() in {"1", "true", "t", "yes"}
    if key in _NUMBERS:
        return int(value)
    return value
