"""The server's names, as the stand-in SOAR gives them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from soarlink.delivery.joining import StatusTypes
from soarlink.errors import ServerFault
from soarlink.soar import vocabulary
from soarlink.soar.client import SoarClient
from tests.unit.standin import StandIn


@pytest.fixture
def client(soar: StandIn) -> Iterator[SoarClient]:
    """Return a connection to the stand-in."""
    made = SoarClient(soar.account())
    yield made
    made.close()


@pytest.mark.parametrize(
    ("part", "name", "parts"),
    [
        ("label", "events", {"label", "severity"}),
        ("severity", "High", {"label", "severity"}),
        ("status", "closed", {"status"}),
        ("user", "alice", {"user"}),
        ("role", "Administrator", {"role"}),
    ],
)
def test_a_part_is_one_request(client: SoarClient, soar: StandIn, part: str, name: str, parts: set[str]) -> None:
    """It brings the known names, and what comes with it for nothing."""
    found = vocabulary.fetch(client, part)
    assert set(found) == parts
    assert name in found[part]
    assert len(soar.requests()) == 1


def test_a_list_that_is_empty_is_one_that_may_not_be_read(client: SoarClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """No server is without labels: nothing is refused for it."""
    monkeypatch.setattr(client, "options", lambda: {"label": [], "severity": [{"name": "High"}, {"name": ""}, None]})
    assert vocabulary.fetch(client, "label") == {"severity": {"High": "High"}}


def test_ids_belong_to_names(client: SoarClient) -> None:
    """Owners are told to SOAR by id."""
    users = vocabulary.fetch(client, "user")["user"]
    assert all(isinstance(number, int) for number in users.values())
    assert len(set(users.values())) == len(users)


def test_the_statuses_of_every_server_cost_no_request(client: SoarClient, soar: StandIn) -> None:
    """New and open are open, closed is closed."""
    types = StatusTypes()
    assert [types.is_closed(name, client) for name in ("new", "open", "closed")] == [False, False, True]
    assert soar.requests() == []


def test_other_statuses_are_asked_for_once(client: SoarClient, soar: StandIn) -> None:
    """One that the server does not name either counts as open."""
    types = StatusTypes()
    assert [types.is_closed(name, client) for name in ("Odd", "Odder", "Odd")] == [False] * 3
    assert [record["path"] for record in soar.requests()] == ["/rest/container_status"]


def test_what_a_status_is_must_be_known_before_data_is_added(client: SoarClient, soar: StandIn) -> None:
    """A server that fails stops the container; one that does not let us read it does not, and is not asked again."""
    types = StatusTypes()
    soar.fault("GET /rest/container_status", "503")
    with pytest.raises(ServerFault):
        types.is_closed("Odd", client)
    soar.fault("GET /rest/container_status", "failed", message="No permission.")
    assert not types.is_closed("Odd", client)
    assert not types.is_closed("Odd", client)
    assert len(soar.requests()) == 2
