"""Users, roles, capabilities."""

from __future__ import annotations

from collections.abc import Callable

from lab.splunkd import StandInSplunkd
from tests.lab.splunkd.client import APP, Client, Start, client_of

CONTEXT = "/services/authentication/current-context"


def test_current_context_tells_who_calls(as_user: Callable[[str], Client]) -> None:
    """current-context names the caller with roles and capabilities; an analyst can't read passwords."""
    content = as_user("analyst").get(CONTEXT).content
    assert (content["username"], content["roles"]) == ("analyst", ["user"])
    assert "search" in content["capabilities"]
    assert "list_storage_passwords" not in content["capabilities"]
    assert "list_storage_passwords" in as_user("admin").get(CONTEXT).content["capabilities"]


def test_added_users_survive_a_restart(start: Start) -> None:
    """A user who was added has roles with all they import, and is there after a restart."""
    start().add_user("powerful", ["power"], ["run_sendalert"])
    content = client_of(start(), "powerful").get(CONTEXT).content
    assert content["roles"] == ["power"]
    assert {"run_sendalert", "schedule_search", "search"} <= set(content["capabilities"])


def test_only_administrators_see_others(as_user: Callable[[str], Client]) -> None:
    """A user sees the own entry, and 403 with the capability's name for another's."""
    analyst = as_user("analyst")
    assert analyst.get("/services/authentication/users/analyst").status == 200
    refused = analyst.get("/services/authentication/users/admin")
    assert refused.status == 403
    assert "requires capability: list_users" in refused.messages[0][1]
    assert as_user("admin").get("/services/authentication/users/nobody-there").status == 404


def test_roles_come_from_authorize_conf(splunkd: StandInSplunkd, admin: Client) -> None:
    """A role in an app's authorize.conf is known, with own and imported capabilities apart."""
    local = splunkd.home / "etc" / "apps" / "TA_send_to_soar" / "local"
    local.mkdir(exist_ok=True)
    (local / "authorize.conf").write_text("[role_soar]\nimportRoles = user\nsend_it = enabled\n", encoding="utf-8")
    content = admin.get("/services/authorization/roles/soar").content
    assert content["capabilities"] == ["send_it"]
    assert "search" in content["imported_capabilities"]
    assert "send_it" in admin.get("/services/authorization/capabilities").content["capabilities"]


def test_roles_tell_the_indexes_that_they_search(admin: Client) -> None:
    """Their own patterns and those of imported roles apart, as splunkd gives them."""
    power = admin.get("/services/authorization/roles/power").content
    assert (power["srchIndexesAllowed"], power["imported_srchIndexesAllowed"]) == ([], ["*"])
    content = admin.get("/services/authorization/roles/admin").content
    assert (content["srchIndexesAllowed"], content["imported_srchIndexesAllowed"]) == (["*", "_*"], ["*"])


def test_views_are_for_those_who_may_read_them(as_user: Callable[[str], Client]) -> None:
    """The access list of default.meta counts, in a listing and for a single view."""
    views = f"/servicesNS/-/{APP}/data/ui/views"
    assert "configuration" in {entry["name"] for entry in as_user("admin").get(views, count=0).json["entry"]}
    assert as_user("admin").get(f"{views}/configuration").content["label"] == "Configuration"
    assert "configuration" not in {entry["name"] for entry in as_user("analyst").get(views, count=0).json["entry"]}
    assert as_user("analyst").get(f"{views}/configuration").status == 403
    assert as_user("admin").get(f"{views}/nothing").status == 404
