"""What is read from SOAR: which records, how their changes are found, which fields their events have.

One table: the poll, the events and the data dictionary in docs/feedback.md come from it. Field names and times:
REST reference, 3.7, 4.1, 6.2, 6.4, 7.4, 8.1 to 8.4.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One field of an event.

    ``source`` is where SOAR's record has it; of several, separated by ``|``, the first that says something counts.
    """

    name: str
    source: str
    meaning: str


@dataclass(frozen=True)
class Stream:
    """One kind of record.

    Args:
        resource: its name under ``/rest``.
        sourcetype: of its events.
        times: fields by which new and changed records are found. SOAR leaves the later ones empty until there is
            something to say, so each is followed by itself.
        columns: the fields of its events.
        container: the field that names the container; "" where another record does (an approval's action run).
    """

    resource: str
    sourcetype: str
    times: tuple[str, ...]
    columns: tuple[Column, ...]
    container: str = "container"


def _columns(text: str) -> tuple[Column, ...]:
    """``name < source: meaning`` lines; without ``< source`` the name is SOAR's own."""
    found = []
    for line in text.strip().splitlines():
        left, _, meaning = line.strip().partition(": ")
        name, _, source = left.partition(" < ")
        found.append(Column(name, source or name, meaning))
    return tuple(found)


CONTAINERS = Stream(
    "container",
    "soar:container",
    ("create_time", "container_update_time"),
    _columns("""
        ticket_id < id: the container's id, as the Ticket Management data model calls it
        status: status, by name
        severity: severity, by name
        priority < severity: the same, as the Ticket Management data model calls it
        sensitivity: colour of the Traffic Light Protocol
        container_type: default, or case
        description: description
        owner < owner_name|_pretty_owner|owner: the user who owns it
        user < owner_name|_pretty_owner|owner: the same, as the Ticket Management data model calls it
        role < _pretty_role|role: the role that owns it
        closing_owner < _pretty_closing_owner|closing_owner: who closed it
        tenant: tenant, by id
        tags: tags, separated by ", "
        artifact_count: number of artifacts
        kill_chain: kill chain stage
        source_data_identifier: the key under which it was sent
        current_phase < _pretty_current_phase|current_phase: phase of the workbook
        in_case: whether it belongs to a case
        parent_container: the case, by id
        custom_fields: one field for each, custom_fields.<name>
        create_time: when it was made
        time_submitted < create_time: the same, as the Ticket Management data model calls it
        update_time < container_update_time: when it was last changed
        artifact_update_time: when its artifacts were last changed
        start_time: when what it tells of happened
        open_time: when it was opened
        due_time: when it is due
        close_time: when it was closed
    """),
    container="id",
)

ARTIFACTS = Stream(
    "artifact",
    "soar:artifact",
    ("create_time", "update_time"),
    _columns("""
        artifact_id < id: the artifact's id
        name: name
        artifact_label < label: the artifact's own label
        type: type
        severity: severity, by name
        tags: tags, separated by ", "
        source_data_identifier: the key under which it was sent
        playbook_run: the run that made it, by id
        cef: one field for each CEF field, cef.<name>
        create_time: when it was made
        update_time: when it was last changed
    """),
)

PLAYBOOK_RUNS = Stream(
    "playbook_run",
    "soar:playbook_run",
    ("start_time", "update_time"),
    _columns("""
        run_id < id: the run's id
        playbook_id < playbook: the playbook, by id
        status: what SOAR says: pending, running, success, failed
        owner < _pretty_owner|owner: who started it
        effective_user < _pretty_effective_user|effective_user: as whom it runs
        cancelled: who cancelled it
        parent_run: the run that started it, by id
        inputs: one field for each, inputs.<name>
        outputs: one field for each, outputs.<name>
        test_mode: whether it was a test
        start_time: when it was started
        update_time: when it last moved
    """),
)

ACTION_RUNS = Stream(
    "app_run",
    "soar:action_run",
    ("start_time", "end_time"),
    _columns("""
        app_run_id < id: id of this part of the action, one for each app and asset
        action_run_id < action_run: the action, by id
        action: name of the action
        app < app_name: app that ran it
        app_version: its version
        asset < _pretty_asset|asset: asset that it ran on
        run_id < playbook_run: the playbook run that it belongs to, by id
        effective_user < _pretty_effective_user|effective_user: as whom it ran
        status: running, success, failed
        message: what the app says
        result_summary: one field for each, result_summary.<name>
        exception < exception_occured|exception_occurred: whether the app broke down
        start_time: when it began
        end_time: when it ended
    """),
)

APPROVALS = Stream(
    "approval",
    "soar:approval",
    ("start_time", "close_time"),
    _columns("""
        approval_id < id: the prompt's id
        name: name of the block that asks
        type: manual (a prompt) or parameter (an approval)
        status: pending, approved, denied, expired
        message: what it waits for, or what the answer says
        responses: the answers, separated by ", "
        owner < _pretty_owner|owner: who is asked
        owner_type: User or Role
        action_run_id < action_run: the action that waits, by id
        run_id < playbook_run: the playbook run that waits, by id
        start_time: since when it waits
        due_time: when it is due
        close_time: when it was answered, or ran out
    """),
    container="",
)

NOTES = Stream(
    "note",
    "soar:note",
    ("create_time", "modified_time"),
    _columns("""
        note_id < id: the note's id
        note_type: general, task, artifact; comment for a comment
        title: title
        content: text
        author < author_name|_pretty_author|author: who wrote it
        task: the task that it belongs to, by id
        artifact: the artifact that it belongs to, by id
        create_time: when it was written
        update_time < modified_time: when it was last changed
    """),
)

COMMENTS = Stream(
    "container_comment",
    "soar:note",
    ("time",),
    _columns("""
        comment_id < id: the comment's id
        content < comment: text
        author < user_name|_pretty_user|user: who wrote it
        create_time < time: when it was written
    """),
)

TASKS = Stream(
    "workbook_task",
    "soar:task",
    ("create_time", "modified_time"),
    _columns("""
        task_id < id: the task's id
        name: name
        description: description
        phase < _pretty_phase|phase: its phase
        order: its place within the phase
        owner < owner_name|_pretty_owner|owner: who has it
        role < _pretty_role|role: the role that has it
        sla: time that is allowed for it
        sla_type: unit of that time
        create_time: when it was made
        start_time: when it was begun
        end_time: when it was done
        update_time < modified_time: when it was last changed
    """),
)

STREAMS = (CONTAINERS, PLAYBOOK_RUNS, ACTION_RUNS, APPROVALS, NOTES, COMMENTS, TASKS)
"""In the order of the poll: a container's own event comes before what happened in it."""

CASE_COLUMNS = _columns("""
    time: seconds since 1970 of what the event tells, also its _time
    soar_event_id: the same for the same state of the same record: dedup soar_event_id drops what was read twice
    account: the SOAR account
    soar_host: SOAR's host, with the port where its address has one
    container_id: the container
    container_name: its name
    container_url: its page in SOAR
    label: its label
    search_name: the search that found it, where Splunk sent it
    splunk_id: id of the notable or finding (event_id), where it is known
    orig_sid: search id of the run that made the notable or the container
    orig_rid: the result within that run
""")
"""What every event has, as far as it is known."""

DERIVED_COLUMNS = {
    "soar:playbook_run": _columns("""
        playbook: repository/name, or its name alone
        message: what the run says
        verdict: started, running, waiting, succeeded, failed, refused, cancelled
        reason: why: the action that failed, the prompt that waits or was refused
        waiting_since: since when a prompt waits
        duration: seconds from start to end
    """),
    "soar:action_run": _columns("""
        duration: seconds from start to end
    """),
    "soar:approval": _columns("""
        prompt: the question
        waited: seconds from question to answer
        overdue: whether it was answered, or ran out, after it was due
    """),
    "soar:task": _columns("""
        status: incomplete, in progress, complete
    """),
}
"""What is worked out from the record and from what belongs to it."""
