"""What a stand-in can be told to do differently: switches of the server, scripted outcomes of its playbooks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class ScriptedAction:
    """One action that a scripted run reports: `action` on `app`, with the first value found in `cef_fields`.

    `kind` is what SOAR calls its type: investigate, contain, correct, generic. `failure` is the app's message when the
    action fails; the run goes on to its end all the same, as SOAR's do.
    """

    action: str
    app: str
    parameter: str
    cef_fields: tuple[str, ...]
    kind: str = "investigate"
    failure: str = ""


@dataclass(frozen=True)
class Outcome:
    """How the runs of one playbook end, and what they leave behind in the container.

    `status` is the verdict; `prompt` asks a person first and ends when the approval is answered or past its due time.
    `actions` are those of a run that was not told to stop by its prompt.
    `calls` names playbooks that it starts, and whose runs it waits for, as playbooks call input playbooks.
    `comment`, `note` (title, content), `container_status`, `severity` and `tags` are written when the run ends.
    """

    status: Literal["success", "failed", "prompt"] = "success"
    message: str = ""
    comment: str | None = None
    note: tuple[str, str] | None = None
    container_status: str | None = None
    severity: str | None = None
    tags: tuple[str, ...] = ()
    actions: tuple[ScriptedAction, ...] = ()
    outputs: Mapping[str, object] = field(default_factory=dict)
    calls: tuple[str, ...] = ()


@dataclass(frozen=True)
class Switches:
    """Behaviour of the server where versions or sources differ; the defaults are those of the reference, section 13.3.

    Times are seconds of the stand-in's clock, `max_body` is in bytes. `outcomes` maps `repo/name` of a playbook to the
    outcome of its runs and overrides what is seeded. `lenient` takes unquoted text in filters instead of refusing it.
    """

    scheme: Literal["https", "http"] = "https"
    version: str = "8.5.0.248"
    artifact_dedup: Literal["hash", "sdi", "off"] = "hash"
    allow_token_delete: bool = False
    duplicate_status: int = 400
    bulk_all_failed_status: int = 400
    owner_by_name: bool = True
    status_filter: Literal["both", "id", "name"] = "both"
    id_key: Literal["new_artifact_ids", "new_artifacts_ids"] = "new_artifact_ids"
    max_body: int = 32 * MEBIBYTE
    lenient: bool = False
    pending_seconds: float = 0.2
    running_seconds: float = 1.0
    prompt_seconds: float = 1800.0
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
