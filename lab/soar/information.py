"""Answers about the server itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.soar.body import Body
    from lab.soar.call import Call

_SERVICES = ("decided", "ingestd", "nginx", "postgres", "uwsgi", "workflowd")


def version(call: Call) -> Body:
    """`GET /rest/version`."""
    return {"version": call.switches.version}


def license_(call: Call) -> Body:
    """`GET /rest/license`; 0 means unlimited, times are epoch milliseconds."""
    now = int(call.clock() * 1000)
    year = 365 * 24 * 3600 * 1000
    return {
        "status": "valid",
        "license_info": {
            "case_management": True,
            "issue_date": now - year,
            "maximum_apps": 0,
            "expiration_date": now + year,
            "maximum_users": 0,
            "contact_information": "soc@example.com",
            "company_name": "Stand-in",
            "maximum_assets": 0,
            "license_number": "stand-in",
            "license_type": "standard",
            "maximum_actions_per_day": 0,
            "maximum_containers": 0,
        },
        "current_usage": {
            "recent_playbook_run_count": call.store.count("playbook_run"),
            "recent_app_run_count": call.store.count("app_run"),
            "recent_debug_run_count": 0,
        },
    }


def health(call: Call) -> Body:
    """`GET /rest/health`."""
    services = [{"name": name, "running": True, "status": "running"} for name in _SERVICES]
    return {
        "name": "stand-in",
        "status": "ok",
        "all_running": True,
        "guid": "00000000-0000-0000-0000-000000000000",
        "last_snapshot_time": call.now(),
        "services": services,
        "load_data": {},
        "memory_data": {},
        "swap_data": {},
        "db_data": {},
        "vault_data": {},
    }
