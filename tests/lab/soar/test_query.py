"""Lists: paging, order, filters and their errors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .conftest import Client, Start, starter


def fill(soar: Client) -> Client:
    """Four containers, a minute apart, with an artifact in the first and in the third."""
    soar.container(
        name="DNS tunnel", source_data_identifier='q"1', severity="high", tags=["a", "b"], custom_fields={"k": 2}
    )
    soar.clock.now += 60
    soar.container(name="dns query", label="notable", custom_fields={"k": 1}, description="Ä umlaut")
    soar.clock.now += 60
    soar.container(name="Scan", severity="low", tags=["b"], owner_id="alice")
    soar.clock.now += 60
    soar.container(name="Fourth", label="email", status="closed")
    soar.artifact(1, cef={"sourceAddress": "10.0.0.1", "sourcePort": 22}, name="x")
    soar.artifact(3, cef={"sourceAddress": "10.0.0.2", "note": "Über"}, name="y")
    return soar


@pytest.fixture
def filled(soar: Client) -> Client:
    """Four containers that the test may change."""
    return fill(soar)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The same four for all tests that only read."""
    with starter(tmp_path_factory.mktemp("kept")) as begin:
        yield fill(begin())


@pytest.mark.parametrize(
    ("key", "value", "ids"),
    [
        ("_filter_name", '"Scan"', [3]),
        ("_filter_name", "'Scan'", [3]),
        ("_filter_name", '"scan"', []),
        ("_filter_name__iexact", '"scan"', [3]),
        ("_filter_name__contains", '"dns"', [2]),
        ("_filter_name__icontains", '"dns"', [1, 2]),
        ("_filter_description__icontains", '"ä UM"', [2]),
        ("_filter_name__startswith", '"DNS"', [1]),
        ("_filter_name__istartswith", '"DNS"', [1, 2]),
        ("_filter_name__endswith", '"nel"', [1]),
        ("_filter_name__iendswith", '"QUERY"', [2]),
        ("_filter_name__regex", '"^[SF]"', [3, 4]),
        ("_filter_name__iregex", '"^d.s "', [1, 2]),
        ("_filter_name__contains", '"%"', []),
        ("_filter_source_data_identifier", '"q\\"1"', [1]),
        ("_filter_id", "2", [2]),
        ("_filter_id__in", "[1,3]", [1, 3]),
        ("_filter_id__in", "(1,3)", [1, 3]),
        ("_filter_id__in", "[]", []),
        ("_filter_id__gt", "2", [3, 4]),
        ("_filter_id__gte", "2", [2, 3, 4]),
        ("_filter_id__lt", "2", [1]),
        ("_filter_id__lte", "2", [1, 2]),
        ("_filter_id__range", "[2,3]", [2, 3]),
        ("_filter_label__in", '["events","email"]', [1, 3, 4]),
        ("_exclude_label", '"events"', [2, 4]),
        ("_exclude_owner", "3", [1, 2, 4]),
        ("_filter_severity", '"High"', [1]),
        ("_filter_severity__in", '["high","low"]', [1, 3]),
        ("_filter_severity_id", "3", [3]),
        ("_filter_status", "3", [4]),
        ("_filter_status", '"closed"', [4]),
        ("_filter_status__in", "[1,2]", [1, 2, 3]),
        ("_filter_tags__contains", '"b"', [1, 3]),
        ("_filter_tags__contains", '["a","b"]', [1]),
        ("_filter_custom_fields__k", "1", [2]),
        ("_filter_custom_fields__k__gte", "1", [1, 2]),
        ("_filter_owner__isnull", "True", [1, 2, 4]),
        ("_filter_owner__username", '"alice"', [3]),
        ("_filter_owner_id__in", "[None]", [1, 2, 4]),
        ("_filter_in_case", "False", [1, 2, 3, 4]),
        ("_filter_in_case", '"true"', []),
        ("_filter_create_time__gt", '"2025-10-09T08:54:20Z"', [3, 4]),
        ("_filter_create_time__gte", '"2025-10-09T08:54:20.000000Z"', [2, 3, 4]),
        ("_filter_create_time__minute", "55", [3]),
        ("_filter_create_time__week_day", "5", [1, 2, 3, 4]),
        ("_filter_container_update_time__isnull", "True", [1, 2, 3, 4]),
        ("_filter_update_time__gt", '"2020-01-01T00:00:00Z"', []),
    ],
)
def test_container_filters(kept: Client, key: str, value: str, ids: list[int]) -> None:
    """Every operator selects exactly the containers that satisfy it."""
    assert kept.ids("/rest/container", **{key: value}) == ids


@pytest.mark.parametrize(
    ("key", "value", "ids"),
    [
        ("_filter_container", "3", [2]),
        ("_filter_container_id", '"3"', [2]),
        ("_filter_container__name__icontains", '"dns"', [1]),
        ("_filter_cef__sourceAddress", '"10.0.0.2"', [2]),
        ("_filter_cef__sourcePort", "22", [1]),
        ("_filter_cef__sourceAddress__startswith", '"10.0"', [1, 2]),
        ("_filter_cef__icontains", '"über"', [2]),
        ("_filter_cef__nothing__isnull", "True", [1, 2]),
    ],
)
def test_artifact_filters(kept: Client, key: str, value: str, ids: list[int]) -> None:
    """Relations and keys of JSON fields can be followed."""
    assert kept.ids("/rest/artifact", **{key: value}) == ids


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"_filter_name": "Scan"}, "Invalid filter value: Scan"),
        ({"_filter_in_case": "true"}, "Invalid filter value: true (use True)"),
        ({"_filter_in_case__exact": "True"}, "Unsupported lookup of the boolean field 'in_case'."),
        ({"_filter_nonsense": "1"}, "Cannot resolve keyword 'nonsense' into field. Choices are: "),
        ({"_filter_name__nonsense": '"x"'}, "Cannot resolve keyword 'name__nonsense' into field."),
        ({"_filter_authorized_users": "1"}, "Cannot resolve keyword 'authorized_users' into field."),
        ({"_filter_id": '"x"'}, "Field 'id' expected a number but got 'x'."),
        ({"_filter_id__in": "1"}, "The in lookup takes a list."),
        ({"_filter_create_time__gt": '"yesterday"'}, "'yesterday' value has an invalid date format."),
        ({"_filter_name__regex": '"("'}, "Invalid regular expression"),
        ({"sort": "nonsense"}, "Cannot resolve keyword 'nonsense' into field."),
        ({"order": "up"}, "Invalid order: up"),
        ({"page": "1"}, "That page contains no results"),
        ({"page": "-1"}, "Invalid value for page: -1"),
        ({"page_size": "x"}, "Invalid value for page_size: x"),
        ({"sort": "custom_fields.k'x"}, "Cannot resolve keyword"),
        ({'_filter_cef__a"': "1"}, "Cannot resolve keyword"),
    ],
)
def test_refused_queries(kept: Client, params: dict[str, str], message: str) -> None:
    """What cannot be answered is refused with a reason."""
    answer = kept.call("GET", "/rest/container", params=params)
    assert (answer.status_code, answer.json()["failed"]) == (400, True)
    assert answer.json()["message"].startswith(message)


def test_lenient_takes_bare_text(start: Start) -> None:
    """With the switch unquoted text is a string, lower-case booleans are refused all the same."""
    soar = start(lenient=True)
    soar.container(name="Scan")
    assert soar.ids("/rest/container", _filter_name="Scan") == [1]
    assert soar.call("GET", "/rest/container", params={"_filter_in_case": "true"}).status_code == 400


@pytest.mark.parametrize(("value", "allowed"), [("1", "id"), ('"new"', "name")])
def test_status_filter_switch(start: Start, value: str, allowed: str) -> None:
    """A server may take ids only, or names only."""
    for status_filter in ("id", "name"):
        soar = start(status_filter=status_filter)
        soar.container()
        answer = soar.call("GET", "/rest/container", params={"_filter_status": value})
        if status_filter == allowed:
            assert answer.json()["count"] == 1
        else:
            assert answer.status_code == 400 or answer.json()["count"] == 0


def test_paging(filled: Client) -> None:
    """Pages count from 0, ten by default, and 0 means all."""
    first = filled.get("/rest/container", page_size="3")
    assert (first["count"], first["num_pages"], len(first["data"])) == (4, 2, 3)
    assert filled.ids("/rest/container", page_size="3", page="1") == [4]
    assert filled.get("/rest/container", page_size="0")["num_pages"] == 1
    assert filled.get("/rest/container", _filter_id="77")["data"] == []
    for _ in range(8):
        filled.container()
    assert len(filled.get("/rest/container")["data"]) == 10


def test_order(filled: Client) -> None:
    """Any simple field and custom fields sort; nulls are last going up."""
    assert filled.ids("/rest/container", sort="name", order="desc") == [2, 3, 4, 1]
    assert filled.ids("/rest/container", sort="custom_fields.k", order="asc") == [2, 1, 3, 4]
    filled.post("/rest/container/3", {"description": "x"})
    assert filled.ids("/rest/container", sort="container_update_time", order="asc") == [3, 1, 2, 4]


def test_incremental_poll(filled: Client) -> None:
    """The reference's exchange: what changed since a time, by update time."""
    since = "2025-10-09T08:56:20.000000Z"
    filled.clock.now += 60
    filled.post("/rest/container/2", {"status": "closed"})
    found = filled.get(
        "/rest/container",
        _filter_container_update_time__gt=f'"{since}"',
        sort="container_update_time",
        order="asc",
        page="0",
        page_size="200",
    )
    assert (found["count"], found["num_pages"], found["data"][0]["status"]) == (1, 1, "closed")


def test_pretty(filled: Client) -> None:
    """Names and relative times on demand, whatever the flag's value."""
    filled.clock.now += 7200
    row = filled.get("/rest/container", _filter_id="3", pretty="1")["data"][0]
    assert (row["_pretty_owner"], row["_pretty_create_time"]) == ("alice", "2 hours ago")


def test_users_and_vocabulary(soar: Client) -> None:
    """Automation users are hidden unless asked for; hidden columns never leave the server."""
    names = [row["username"] for row in soar.get("/rest/ph_user", page_size="0")["data"]]
    assert names == ["soar_local_admin", "alice", "bob"]
    rows = soar.get("/rest/ph_user", _filter_type__in='["normal","automation"]', page_size="0")["data"]
    assert {"automation", "splunk"} < {row["username"] for row in rows}
    assert not {"permissions", "token", "salt", "digest"} & set(rows[0])
    assert [row["name"] for row in soar.get("/rest/severity")["data"]] == ["High", "Medium", "Low"]
    assert [row["name"] for row in soar.get("/rest/container_status")["data"]] == ["new", "open", "closed"]
    assert soar.get("/rest/container_options/label") == {"label": ["events", "notable", "email", "intel"]}
    assert soar.get("/rest/cef")["count"] == 144
    assert soar.get("/rest/cef", _filter_name='"sourcePort"')["data"][0]["data_type"] == ["port"]


@pytest.mark.parametrize(
    "name", ["case", "status", "label", "labels", "tag", "event", "token", "", "credential", "vault_document"]
)
def test_unknown_types(kept: Client, name: str) -> None:
    """What SOAR doesn't have is a JSON 404; a token's table is none of them."""
    answer = kept.call("GET", f"/rest/{name}")
    assert (answer.status_code, answer.json()["failed"]) == (404, True)


def test_trailing_slash_and_wrong_method(soar: Client) -> None:
    """A trailing slash is fine; a method that a resource doesn't have is 405."""
    assert soar.get("/rest/container/")["count"] == 0
    for method, path in (
        ("DELETE", "/rest/container_comment/9"),
        ("PUT", "/rest/container"),
        ("POST", "/rest/app_run"),
    ):
        assert soar.call(method, path, json={}).status_code == 405
