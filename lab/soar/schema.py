"""The objects that SOAR knows, their fields and the tables they are kept in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property


class Kind(Enum):
    """Type of a field; decides its column, how values are stored and what filters mean on it."""

    INT = "int"
    REAL = "real"
    TEXT = "text"
    TIME = "time"
    BOOL = "bool"
    LIST = "list"
    OBJECT = "object"


_COLUMN_TYPES = {Kind.INT: "INTEGER", Kind.REAL: "REAL", Kind.BOOL: "INTEGER"}


@dataclass(frozen=True)
class Field:
    """One field.

    `target` names the resource a reference points to, `expensive` fields are left out of lists, `hidden` ones are the
    server's own and never leave it.
    """

    name: str
    kind: Kind
    target: str | None = None
    expensive: bool = False
    hidden: bool = False

    @cached_property
    def is_json(self) -> bool:
        """Whether the column holds JSON text."""
        return self.kind in {Kind.LIST, Kind.OBJECT}

    @property
    def column(self) -> str:
        """The column's definition."""
        return f'"{self.name}" {_COLUMN_TYPES.get(self.kind, "TEXT")}'


@dataclass(frozen=True)
class Resource:
    """One kind of object: a name as in `/rest/<name>`, its fields (without `id`), other names for filters, indexes."""

    name: str
    fields: tuple[Field, ...]
    aliases: tuple[tuple[str, str], ...] = ()
    indexes: tuple[str, ...] = ()

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """Every field by each name a filter may use for it."""
        found = {"id": Field("id", Kind.INT)}
        for field in self.fields:
            if not field.hidden:
                found[field.name] = field
                if field.target:
                    found.setdefault(field.name + "_id", field)
        found.update({alias: found[name] for alias, name in self.aliases})
        return found

    @cached_property
    def stored(self) -> dict[str, Field]:
        """Every stored field by its own name, hidden ones too."""
        return {field.name: field for field in self.fields}

    def shown(self, *, expensive: bool) -> tuple[Field, ...]:
        """The fields of an answer, with or without the expensive ones."""
        return tuple(field for field in self.fields if not field.hidden and (expensive or not field.expensive))

    def definition(self) -> str:
        """The SQL that makes the table and its indexes."""
        columns = "".join(f", {field.column}" for field in self.fields)
        statements = [f'CREATE TABLE IF NOT EXISTS "{self.name}" (id INTEGER PRIMARY KEY AUTOINCREMENT{columns})']
        for index in self.indexes:
            label = index.replace(",", "_").replace(" ", "")
            statements.append(f'CREATE INDEX IF NOT EXISTS "{self.name}_by_{label}" ON "{self.name}" ({index})')
        return ";\n".join(statements) + ";\n"


def _fields(spec: str) -> tuple[Field, ...]:
    """Read `name:kind` words; a kind that is no `Kind` is a reference. `!` marks expensive, `-` hidden fields."""
    kinds = {kind.value: kind for kind in Kind}
    found = []
    for word in spec.split():
        name, _, kind = word.partition(":")
        expensive, hidden = kind.endswith("!"), name.startswith("-")
        kind = kind.rstrip("!")
        target = None if kind in kinds else kind
        found.append(Field(name.lstrip("-"), kinds.get(kind, Kind.INT), target, expensive, hidden))
    return tuple(found)


def _resource(
    name: str, spec: str, *, aliases: dict[str, str] | None = None, indexes: tuple[str, ...] = ()
) -> Resource:
    return Resource(name, _fields(spec), tuple((aliases or {}).items()), indexes)


_CONTAINER = _resource(
    "container",
    """version:int name:text label:text description:text status:text severity:text sensitivity:text container_type:text
    owner:ph_user owner_name:text role:role tenant:int asset:asset ingest_app:text source_data_identifier:text
    external_id:text hash:text tags:list custom_fields:object kill_chain:text artifact_count:int
    artifact_update_time:time container_update_time:time create_time:time start_time:time open_time:time end_time:time
    due_time:time close_time:time closing_owner:ph_user closing_rule_run:int workflow_name:text
    current_phase:workbook_phase in_case:bool parent_container:container node_guid:text -authorized_users:list
    data:object!""",
    aliases={
        "update_time": "container_update_time",
        "tenant_id": "tenant",
        "ingest_app_id": "ingest_app",
        "status_id": "status",
        "severity_id": "severity",
    },
    indexes=(
        "source_data_identifier",
        "label",
        "status",
        "create_time",
        "container_update_time",
        "artifact_update_time",
        "parent_container",
    ),
)
_ARTIFACT = _resource(
    "artifact",
    """version:int name:text label:text type:text container:container severity:text cef:object cef_types:object
    tags:list description:text kill_chain:text source_data_identifier:text external_id:text hash:text ingest_app:text
    owner:ph_user playbook_run:playbook_run create_time:time start_time:time end_time:time update_time:time in_case:bool
    has_note:bool parent_container:container parent_artifact:artifact data:object!""",
    aliases={"severity_id": "severity", "ingest_app_id": "ingest_app"},
    indexes=("container,hash", "source_data_identifier", "update_time", "create_time"),
)
_AUTOMATION = (
    _resource("scm", "name:text uri:text branch:text type:text read_only:bool version:int"),
    _resource(
        "playbook",
        """name:text scm:scm category:text tags:list active:bool disabled:bool draft_mode:bool playbook_type:text
        labels:list input_spec:list output_spec:list playbook_trigger:text python:text! version:int description:text
        create_time:time update_time:time""",
        indexes=("name",),
    ),
    _resource(
        "playbook_run",
        """container:container playbook:playbook status:text owner:ph_user effective_user:ph_user action_exec:list
        cancelled:text ip_address:text last_artifact:int log_level:int message:text misc:object node_guid:text
        parent_run:int playbook_run_batch:int run_data:object inputs:object outputs:object start_time:time
        update_time:time test_mode:bool version:int -scope:list -artifact_ids:list -next_at:real""",
        indexes=("container,playbook", "status", "next_at", "update_time"),
    ),
    _resource(
        "playbook_run_log",
        "playbook_run:playbook_run message:text message_type:int time:time",
        indexes=("playbook_run",),
    ),
    _resource(
        "action_run",
        """name:text action:text type:text container:container playbook_run:playbook_run status:text message:text
        targets:list owner:ph_user cancelled:text create_time:time close_time:time update_time:time version:int
        -next_at:real""",
        indexes=("container", "playbook_run", "next_at"),
    ),
    _resource(
        "app_run",
        """action:text action_run:action_run app:app app_name:text app_version:text asset:asset container:container
        playbook_run:playbook_run effective_user:ph_user start_time:time end_time:time status:text message:text
        exception_occured:bool extra_data:list result_data:list! result_summary:object version:int""",
        indexes=("container", "action_run"),
    ),
    _resource("app", "name:text appid:text product_name:text product_vendor:text app_version:text type:text"),
    _resource(
        "asset",
        """name:text product_name:text product_vendor:text type:text app:app description:text disabled:bool tags:list
        version:int""",
    ),
)
_CASE = (
    _resource(
        "container_comment",
        "container:container comment:text user:ph_user user_name:text time:time",
        indexes=("container", "time"),
    ),
    _resource(
        "note",
        """container:container title:text content:text note_format:text note_type:text author:ph_user author_name:text
        artifact:artifact artifact_name:text task:workbook_task phase:workbook_phase create_time:time modified_time:time
        -container_attachments:list""",
        indexes=("container", "modified_time"),
    ),
    _resource("vault_document", "hash:text sha256:text size:int mime_type:text", indexes=("hash",)),
    _resource(
        "container_attachment",
        """name:text container:container task:workbook_task create_time:time created_via:text user:ph_user
        vault_document:vault_document vault_id:text hash:text size:int mime_type:text path:text metadata:object aka:list
        contains:list es_attachment_id:text""",
        indexes=("container",),
    ),
    _resource(
        "approval",
        """name:text type:text status:text message:text action_run:action_run playbook_run:playbook_run owner:ph_user
        owner_type:text asset:asset parent:int escalated_approval:int start_time:time due_time:time close_time:time
        responses:list jitc:object display:bool node_guid:text version:int""",
        indexes=("playbook_run",),
    ),
    _resource("workbook_template", "name:text description:text is_default:bool version:int create_time:time"),
    _resource("workbook_phase_template", "name:text template:workbook_template order:int"),
    _resource(
        "workbook_task_template",
        "name:text phase:workbook_phase_template description:text order:int is_note_required:bool",
    ),
    _resource(
        "workbook_phase",
        "container:container name:text order:int create_time:time start_time:time end_time:time",
        indexes=("container",),
    ),
    _resource(
        "workbook_task",
        """name:text order:int owner:ph_user owner_name:text role:role container:container phase:workbook_phase
        description:text suggestions:object status:int create_time:time modified_time:time start_time:time end_time:time
        notified:bool is_note_required:bool sla:int sla_type:text""",
        indexes=("container", "phase"),
    ),
    _resource(
        "evidence",
        "container:container object_id:int content_type:text added_by:ph_user added_on:time",
        indexes=("container",),
    ),
    _resource(
        "container_pin",
        "container:container message:text data:text pin_type:text pin_style:text author:ph_user create_time:time",
        indexes=("container",),
    ),
    _resource("decided_list", "name:text content:list create_time:time update_time:time version:int"),
)
_VOCABULARY = (
    _resource(
        "container_status",
        """name:text status_type:text is_default:bool is_mutable:bool disabled:bool order:int create_time:time
        modified_time:time""",
    ),
    _resource("severity", "name:text color:text is_default:bool disabled:bool order:int"),
    _resource("cef", "type:text name:text data_type:list"),
    _resource("custom_field", "name:text label:text data_type:text required:bool container_type:text"),
    _resource("tenant", "name:text description:text enabled:bool"),
    _resource("feature_flag", "name:text enabled:bool"),
    _resource("role", "name:text description:text immutable:bool permissions:object"),
    _resource(
        "ph_user",
        """username:text type:text first_name:text last_name:text email:text is_active:bool roles:list
        default_label:text default_tenant:int allowed_ips:list -permissions:object""",
    ),
    _resource(
        "audit",
        "time:time user:text action:text object_type:text object_id:int path:text status:int",
        indexes=("time",),
    ),
)

RESOURCES: dict[str, Resource] = {
    resource.name: resource for resource in (_CONTAINER, _ARTIFACT, *_AUTOMATION, *_CASE, *_VOCABULARY)
}
"""Every resource by name."""

OWN_TABLES = """
CREATE TABLE IF NOT EXISTS label (name TEXT PRIMARY KEY, position INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS credential (
    user INTEGER PRIMARY KEY, kind TEXT NOT NULL, salt BLOB NOT NULL, digest BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS vault_content (document INTEGER PRIMARY KEY, content BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS automation_trigger (
    id INTEGER PRIMARY KEY, container INTEGER NOT NULL, artifact INTEGER, time TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS automation_trigger_container ON automation_trigger (container);
"""
"""Tables of the stand-in itself, not reachable under /rest."""
