"""Searches that list: `| rest` and `| inputlookup`, as forms use them for their choices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab.splunkd import StandInSplunkd
from tests.lab.splunkd.client import APP, Client

JOBS = f"/servicesNS/nobody/{APP}/search/jobs"
OUTBOX = f"/servicesNS/nobody/{APP}/storage/collections/data/soar_outbox"


def run(client: Client, search: str) -> list[dict[str, Any]]:
    """The rows of a search."""
    reply = client.post(JOBS, {"search": search, "exec_mode": "oneshot"})
    assert reply.status == 200, reply.messages
    rows: list[dict[str, Any]] = reply.json["results"]
    return rows


@pytest.fixture
def waiting(admin: Client) -> None:
    """Three documents in a collection that is a lookup, too."""
    for key, account, rows in (("1", "prod", 2), ("2", "test", 1), ("3", "prod", 7)):
        document = {"_key": key, "account": account, "state": "pending", "rows": rows}
        assert admin.post_json(OUTBOX, document).status == 201


def test_rest_lists_what_the_endpoint_gives(splunkd: StandInSplunkd, admin: Client) -> None:
    """Names as `title`, content as fields, in text; the search that UCC's page makes is one of them."""
    rows = run(admin, "| rest /services/authentication/users splunk_server=local | fields title roles | sort -title")
    assert rows == [{"title": "analyst", "roles": ["user"]}, {"title": "admin", "roles": ["admin"]}]
    (row,) = run(admin, f"| rest services/apps/local/{APP} splunk_server=local | fields build, disabled")
    assert row["build"].isdigit()
    assert row["disabled"] == "0"
    assert splunkd.unknown_calls == []


def test_rest_has_the_rights_of_who_searches(as_user: Callable[[str], Client]) -> None:
    """An analyst's `| rest` finds what the analyst may list, and is refused where a capability is missing."""
    assert [row["title"] for row in run(as_user("analyst"), "| rest /services/authentication/users")] == ["analyst"]
    reply = as_user("analyst").post(JOBS, {"search": "| rest /services/storage/passwords"})
    assert reply.status == 403
    assert "list_storage_passwords" in reply.messages[0][1]


def test_inputlookup_reads_a_collection(admin: Client, waiting: None) -> None:
    """With conditions, and trimmed by the commands behind it."""
    search = '| inputlookup soar_outbox where state="pending" AND account!="test" | sort -rows | table account rows'
    assert run(admin, search) == [{"account": "prod", "rows": "7"}, {"account": "prod", "rows": "2"}]
    either = '| inputlookup soar_outbox where account="test" OR (account="prod" rows="7") | sort rows | fields rows'
    assert run(admin, either) == [{"rows": "1"}, {"rows": "7"}]
    renamed = run(admin, "| inputlookup soar_outbox | search account=PR* | dedup account | rename account AS value")
    assert [row["value"] for row in renamed] == ["prod"]
    assert len(run(admin, "| inputlookup soar_outbox | head 2")) == 2


def test_inputlookup_has_the_rights_of_who_searches(as_user: Callable[[str], Client], waiting: None) -> None:
    """Whoever may not read the collection gets no rows of it."""
    assert as_user("analyst").post(JOBS, {"search": "| inputlookup soar_outbox"}).status == 403


def test_a_lookup_that_is_not_there(splunkd: StandInSplunkd, admin: Client) -> None:
    """Is refused in splunkd's words, and is no gap of the stand-in."""
    reply = admin.post(JOBS, {"search": "| inputlookup nothing"})
    assert reply.status == 400
    assert "'nothing'" in reply.messages[0][1]
    assert splunkd.unknown_calls == []


@pytest.mark.parametrize(
    "search",
    [
        "| rest /services/server/info splunk_server=*",
        '| inputlookup soar_outbox where account="test" OR account="prod" AND rows="7"',
        "| inputlookup soar_outbox | transaction account",
        "| inputlookup soar_outbox | eval a=rows>3",
    ],
)
def test_what_is_not_known_is_not_guessed(splunkd: StandInSplunkd, admin: Client, search: str) -> None:
    """A search that does more is refused, and is listed among the unknown calls."""
    assert admin.post(JOBS, {"search": search}).status == 400
    assert splunkd.unknown_calls == [("SEARCH", search)]
