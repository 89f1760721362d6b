"""Which resources can be written, by whom, and what does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab.soar import (
    action,
    approval,
    artifact,
    attachment,
    comment,
    container,
    decided_list,
    evidence,
    note,
    pin,
    playbook,
    vocabulary,
    workbook,
)
from lab.soar.body import Body
from lab.soar.call import Call

Create = Callable[[Call, Body], Body]
Update = Callable[[Call, int, Body], Body]
Delete = Callable[[Call, int], None]


@dataclass(frozen=True)
class Endpoint:
    """One `/rest/<type>`: the permission area, what writes it, and the verb that a POST needs."""

    area: str | None = None
    create: Create | None = None
    update: Update | None = None
    delete: Delete | None = None
    verb: str = "edit"


ENDPOINTS: dict[str, Endpoint] = {
    "container": Endpoint("containers", container.create, container.update, container.delete),
    "artifact": Endpoint("containers", artifact.create, artifact.update, artifact.delete),
    "container_comment": Endpoint("containers", comment.create),
    "note": Endpoint("containers", note.create, note.update, note.delete),
    "container_attachment": Endpoint("containers", attachment.create, None, attachment.delete),
    "evidence": Endpoint("containers", evidence.create, None, evidence.delete),
    "container_pin": Endpoint("containers", pin.create, pin.update, pin.delete),
    "approval": Endpoint("containers", None, approval.answer),
    "playbook": Endpoint("playbooks", None, playbook.update),
    "scm": Endpoint("playbooks"),
    "playbook_run": Endpoint("playbooks", playbook.create_run, playbook.update_run, verb="execute"),
    "action_run": Endpoint("playbooks", action.create_run, action.update_run, verb="execute"),
    "app_run": Endpoint("playbooks"),
    "app": Endpoint("apps"),
    "asset": Endpoint("assets"),
    "workbook_phase": Endpoint("case_management", workbook.create_phase),
    "workbook_task": Endpoint("case_management", workbook.create_task, workbook.update_task),
    "workbook_template": Endpoint("workbooks"),
    "workbook_phase_template": Endpoint("workbooks"),
    "workbook_task_template": Endpoint("workbooks"),
    "decided_list": Endpoint("custom_lists", decided_list.create, decided_list.update, decided_list.delete),
    "container_status": Endpoint("system_settings"),
    "severity": Endpoint("system_settings", vocabulary.create_severity),
    "custom_field": Endpoint("system_settings"),
    "cef": Endpoint(None, vocabulary.create_cef, vocabulary.update_cef, vocabulary.delete_cef),
    "ph_user": Endpoint("users_roles"),
    "role": Endpoint("users_roles"),
    "tenant": Endpoint(),
    "feature_flag": Endpoint(),
}
"""Every resource under `/rest`."""
