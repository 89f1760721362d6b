"""What is known when a check judges. Gathered at the edges; a fact that could not be gathered says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soarlink.errors import SoarError, SplunkdError
    from soarlink.outbox.statistics import AccountStatistics

_NO_RIGHT = (401, 403)
_NOT_THERE = 404


@dataclass(frozen=True)
class Unread:
    """A fact that could not be gathered. ``status`` is the HTTP status of the answer, None when none came."""

    what: str
    remedy: str = ""
    status: int | None = None

    @classmethod
    def of(cls, error: SoarError | SplunkdError) -> Unread:
        """Why a call failed."""
        return cls(error.what, error.remedy, error.status)

    @property
    def is_refused(self) -> bool:
        """The server answered: the caller has no right to know."""
        return self.status in _NO_RIGHT

    @property
    def is_absent(self) -> bool:
        """The server answered: there is no such thing."""
        return self.status == _NOT_THERE


@dataclass(frozen=True)
class Subject:
    """What is asked about: values as the action's parameters have them, of a saved search or typed in.

    ``label`` is never empty: where the parameter is, the account's default label stands. ``container`` is the id of a
    container in which a playbook did not start, ``search`` the name of a saved search; None when not asked.
    """

    label: str
    severity: str = ""
    playbook: str = ""
    automation: bool = True
    container: int | None = None
    search: str = ""


@dataclass(frozen=True)
class SoarUser:
    """Whom SOAR takes the account for. ``rights`` (area → verbs) and ``roles`` are None where it does not tell."""

    username: str
    roles: tuple[str, ...] | None = None
    rights: Mapping[str, frozenset[str]] | None = None


@dataclass(frozen=True)
class Playbook:
    """A playbook. ``name`` is ``repository/name``; ``kind`` is ``automation``, ``data`` (an input playbook) or ""."""

    id: int
    name: str
    active: bool
    kind: str = "automation"
    labels: tuple[str, ...] = ()
    draft: bool = False
    disabled: bool = False

    @property
    def is_input(self) -> bool:
        """It takes inputs: SOAR never starts it by itself, and it can't be activated."""
        return self.kind == "data"

    def starts_on(self, label: str) -> bool:
        """Whether its labels cover a container's label."""
        return "*" in self.labels or label in self.labels


@dataclass(frozen=True)
class Run:
    """A playbook run on a container. ``last_artifact``: the newest artifact that was there when it started."""

    playbook: int
    state: str
    last_artifact: int | None


@dataclass(frozen=True)
class Container:
    """A container in which something did not start. ``artifacts`` are ids, ascending."""

    id: int
    label: str
    artifacts: tuple[int, ...]
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class SoarFacts:
    """What SOAR says. ``views``: area of rights → None when the account may view it, else why not."""

    user: SoarUser | Unread
    views: Mapping[str, Unread | None]
    labels: tuple[str, ...] | Unread
    severities: tuple[str, ...] | Unread
    playbooks: tuple[Playbook, ...] | Unread
    container: Container | Unread | None = None


@dataclass(frozen=True)
class Trial:
    """A test container: what was done with it, in order, and what went wrong, if anything."""

    container_id: int | None
    url: str
    done: tuple[str, ...]
    failure: Unread | None = None


@dataclass(frozen=True)
class Caller:
    """Who runs the doctor, as splunkd knows them."""

    name: str
    roles: tuple[str, ...]
    capabilities: frozenset[str]


@dataclass(frozen=True)
class App:
    """An installed app."""

    version: str
    disabled: bool


@dataclass(frozen=True)
class Lease:
    """Who works for all search heads. ``expires`` is in epoch seconds, 0 when it was given back."""

    owner: str
    expires: float


@dataclass(frozen=True)
class Heartbeat:
    """A modular input and its signs of life.

    ``enabled`` is None where the add-on has no such input. ``lease`` is None when nobody ever had it. ``log_age`` is
    the age of this search head's last log line in seconds, None when there is no log.
    """

    enabled: bool | Unread | None
    lease: Lease | Unread | None
    log_age: float | None


@dataclass(frozen=True)
class Polls:
    """How far the feedback input has come with the account.

    ``polled`` is in epoch seconds, 0 for never; ``interval`` in seconds. ``is_off``: the account's settings bring
    nothing back. ``error`` is why the last poll was not complete, ``writeback_error`` why notables were not updated.
    """

    is_off: bool
    interval: float = 60.0
    polled: float = 0.0
    error: str = ""
    writeback_error: str = ""


@dataclass(frozen=True)
class Updates:
    """How Enterprise Security is written to, and what of it did not work.

    ``mode`` is the setting, ``path`` the way in force as the caller has it, in words. ``refused`` and ``unconfirmed``
    count containers whose last update was refused, or not seen when it was read back; ``last`` is why the latest was.
    """

    mode: str
    path: str
    refused: int = 0
    unconfirmed: int = 0
    last: str = ""


@dataclass(frozen=True)
class Index:
    """The index of the add-on's events. ``readers``: role → its patterns of indexes, inherited ones included.

    ``events`` counts those that searches find in it where this search head does not have the index itself.
    """

    name: str
    is_here: bool | Unread
    readers: Mapping[str, tuple[str, ...]] | Unread
    events: int | Unread | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class SavedSearch:
    """A saved search with an action of ours. ``problems`` are what is wrong with its parameters.

    ``suppressed``: how long it is throttled after it has triggered; empty when it is not. ``refused``: why its owner
    may not use the account; None when they may, and when that can't be told.
    """

    name: str
    app: str
    owner: str
    disabled: bool
    scheduled: bool
    attached: bool
    dry_run: bool = False
    suppressed: str = ""
    problems: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    refused: Unread | None = None


@dataclass(frozen=True)
class SplunkFacts:
    """What splunkd says. ``parsing``: key → value of the props of our action's log, as they are in force."""

    caller: Caller | Unread
    version: str | Unread
    kv_store: str | Unread
    outbox: tuple[AccountStatistics, ...] | Unread
    delivery: Heartbeat
    feedback: Heartbeat
    index: Index
    cim: App | Unread | None
    es: App | Unread | None
    parsing: Mapping[str, str] | Unread
    search: SavedSearch | Unread | None = None
    updates: Updates | Unread | None = None
    """None without Enterprise Security."""


@dataclass(frozen=True)
class Override:
    """A setting of a ``local`` layer that changes nothing, and why."""

    file: str
    stanza: str
    key: str
    why: str


@dataclass(frozen=True)
class WaitingJournal:
    """An alert run on disk that is not over. ``owned``: a live process works on it. Times are in seconds.

    ``idle``: for how long nobody has taken it up although its time had come; None for as long as it is there. ``why``:
    what it waited for when the delivery input looked at it last; empty when it did not say.
    """

    key: str
    age: float
    owned: bool
    idle: float | None = None
    why: str = ""


@dataclass(frozen=True)
class Interpreter:
    """The Python that runs the add-on. ``brought``: the versions that stand in Splunk's own ``bin``."""

    version: tuple[int, int, int]
    path: str
    openssl: str
    brought: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Package:
    """The add-on's own files against the list made at the build. ``count`` is 0 where the list itself is missing."""

    count: int
    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()


@dataclass(frozen=True)
class DiskFacts:
    """What the add-on's files on this search head say. ``limits``: key → value of the action's alert_actions.conf."""

    mapping: int | Unread
    """How many rules compile."""
    own_rules: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = ()
    journals: tuple[WaitingJournal, ...] = ()
    pause: str = ""
    """Why the account's server is left alone for a while; empty when it is not."""
    limits: Mapping[str, str] = field(default_factory=dict)
    interpreter: Interpreter = Interpreter((0, 0, 0), "", "")
    package: Package = Package(0)
