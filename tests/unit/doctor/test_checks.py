"""Each check is a function of facts: every cause has its verdict, its evidence and its way out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soarlink.doctor import addon, backlog, permission, platform, playbook, vocabulary
from soarlink.doctor.diagnosis import Diagnosis, Verdict
from soarlink.doctor.facts import (
    App,
    Interpreter,
    Lease,
    Override,
    Package,
    Playbook,
    Polls,
    Run,
    SoarUser,
    Subject,
    Trial,
    Unread,
    Updates,
    WaitingJournal,
)
from soarlink.doctor.permission import VIEWS
from soarlink.doctor.search import search, several
from tests.unit.doctor.samples import (
    ASLEEP,
    AWAY,
    INPUT,
    NOW,
    PHISHING,
    REFUSED,
    TRIAGE,
    beat,
    caller,
    container,
    disk,
    index,
    saved,
    soar,
    statistics,
)

EVENTS = Subject("events")
ALL = dict.fromkeys(VIEWS)
NEEDED = {"containers": frozenset({"view", "edit"}), "playbooks": frozenset({"view", "execute"})}
ADMIN = SoarUser("boss", ("Administrator",), NEEDED)
DIGEST = {"containers": frozenset({"view"})}


def told(diagnosis: Diagnosis, verdict: str, *words: str) -> None:
    """The verdict, and words that stand in evidence or remedy; there is a remedy where there is something to do."""
    assert diagnosis.verdict.value == verdict, diagnosis
    for word in words:
        assert word in f"{diagnosis.evidence} {diagnosis.remedy}", diagnosis
    assert bool(diagnosis.remedy) is (diagnosis.verdict in (Verdict.WARNING, Verdict.FAILED))


@pytest.mark.parametrize(
    ("facts", "subject", "verdict", "words"),
    [
        ({}, EVENTS, "ok", ("splunk may view containers", "create=true alone")),
        (
            {"views": {**ALL, "containers": REFUSED}},
            EVENTS,
            "failed",
            ("may not view containers", "HTTP 403", "view and edit"),
        ),
        ({"views": {**ALL, "playbooks": REFUSED}}, EVENTS, "warning", ("may not view playbooks", "execute")),
        (
            {"views": {**ALL, "playbooks": REFUSED}},
            Subject("events", playbook="local/x"),
            "failed",
            ("view and execute",),
        ),
        ({"user": SoarUser("s", ("r",), DIGEST)}, EVENTS, "failed", ("do not allow to edit containers",)),
        ({"user": SoarUser("s", ("r",), DIGEST)}, Subject("e", playbook="x"), "failed", ("execute playbooks",)),
        ({"user": SoarUser("s", ("r",), NEEDED)}, EVENTS, "ok", ("s may edit containers, view containers.",)),
        ({"user": AWAY}, EVENTS, "ok", ("The account may view containers",)),
    ],
)
def test_rights(facts: dict[str, Any], subject: Subject, verdict: str, words: tuple[str, ...]) -> None:
    """What is needed: containers, and playbooks when one is to run."""
    told(permission.rights(soar(**facts), subject), verdict, *words)


@pytest.mark.parametrize(
    ("facts", "verdict", "words"),
    [
        ({}, "ok", ("may not view apps, assets or custom lists",)),
        ({"views": ALL}, "warning", ("view apps, view assets, view custom_lists", "role of its own")),
        ({"user": ADMIN}, "warning", ("boss has the role Administrator",)),
        ({"user": SoarUser("s", ("Splunk",), NEEDED)}, "ok", ("Splunk", "little more")),
        (
            {
                "user": SoarUser(
                    "s", ("Auto",), {**NEEDED, "users_roles": frozenset({"view", "edit"}), "apps": frozenset({"view"})}
                )
            },
            "warning",
            ("also allow to view apps, edit users_roles.",),
        ),
        ({"user": SoarUser("s", ("A",), {"containers": frozenset({"delete"})})}, "warning", ("delete containers",)),
        ({"views": {**dict.fromkeys(VIEWS, REFUSED), "apps": AWAY}}, "skipped", ("apps",)),
    ],
)
def test_privilege(facts: dict[str, Any], verdict: str, words: tuple[str, ...]) -> None:
    """An administrator's token is told, whether SOAR tells roles or not."""
    told(permission.privilege(soar(**facts)), verdict, *words)


@pytest.mark.parametrize(
    ("trial", "verdict", "words"),
    [
        (None, "skipped", ("create=true",)),
        (
            Trial(7, "https://s/mission/7", ("created", "closed")),
            "ok",
            ("Container 7 (https://s/mission/7): created, closed",),
        ),
        (Trial(None, "", (), REFUSED), "failed", ("HTTP 403", "Ask.")),
        (Trial(None, "", (), Unread("No.")), "failed", ("Look at SOAR.",)),
        (
            Trial(7, "u", ("created",), AWAY),
            "failed",
            ("did not answer", "Done before: created.", "Close container 7 (u) in SOAR by hand"),
        ),
    ],
)
def test_create(trial: Trial | None, verdict: str, words: tuple[str, ...]) -> None:
    """A container that was left open is named."""
    told(permission.create(trial), verdict, *words)


@pytest.mark.parametrize(
    ("label", "verdict", "words"),
    [
        ("events", "ok", ('"events"',)),
        ("Events", "ok", ('"events", which "Events" is sent as',)),
        ("event", "failed", ('no label "event"', "events, email", 'Is "events" meant?', "Label settings")),
        ("xyz", "failed", ('no label "xyz"',)),
        ("{{tag}}", "skipped", ("filled from each result",)),
    ],
)
def test_label(label: str, verdict: str, words: tuple[str, ...]) -> None:
    """SOAR refuses containers of a label that it does not have."""
    told(vocabulary.label(soar(), Subject(label)), verdict, *words)


@pytest.mark.parametrize(
    ("severity", "verdict", "words"),
    [
        ("", "ok", ("High, Medium, Low", "sent as high")),
        ("{{urgency}}", "ok", ("Each result brings its own",)),
        ("HIGH", "ok", ('"High"',)),
        (
            "fatal",
            "failed",
            ('no severity "fatal"', "every result is rejected", "High, Medium, Low", "parameter severity"),
        ),
    ],
)
def test_severity(severity: str, verdict: str, words: tuple[str, ...]) -> None:
    """One that is written out must be there; one from a row is sent as another, and that is told."""
    told(vocabulary.severity(soar(), Subject("events", severity)), verdict, *words)


def test_a_severity_of_the_servers_own_is_taken_as_it_is() -> None:
    """And nothing needs to be told of Splunk's critical then."""
    facts = soar(severities=("High", "Medium", "Low", "Critical"))
    told(vocabulary.severity(facts, Subject("events", "critical")), "ok", '"Critical"')
    assert "sent as" not in vocabulary.severity(facts, EVENTS).evidence


@pytest.mark.parametrize(
    "check",
    [vocabulary.label, vocabulary.severity, playbook.playbook, playbook.automation],
    ids=lambda one: one.__name__,
)
def test_what_soar_does_not_tell_is_skipped_with_the_reason(check: Any) -> None:
    """No verdict without a fact."""
    facts = soar(labels=REFUSED, severities=REFUSED, playbooks=REFUSED)
    told(check(facts, Subject("events", "high", "local/x")), "skipped", "HTTP 403")


@pytest.mark.parametrize(
    ("name", "label", "verdict", "words"),
    [
        ("", "events", "skipped", ("No playbook is named",)),
        ("local/triage", "events", "ok", ("local/triage (id 1): automation, active, labels *", "active or not")),
        ("1", "events", "ok", ("local/triage",)),
        ("local/contain", "events", "ok", ("not active",)),
        ("triage", "events", "warning", ("names no repository", "Write local/triage")),
        ("local/phishing", "events", "warning", ('not for label "events"', "labels email")),
        ("local/phishing", "{{label}}", "ok", ("local/phishing",)),
        ("community/enrich", "events", "failed", ("input playbook", "takes inputs", "type automation")),
        ("community/triage", "events", "failed", ('no playbook "community/triage"', "Is local/triage meant?")),
        ("local/triag", "events", "failed", ("Is local/triage meant?",)),
        ("local/zzz", "events", "failed", ("repository/name",)),
    ],
)
def test_playbook(name: str, label: str, verdict: str, words: tuple[str, ...]) -> None:
    """Name, repository, type, label, state."""
    told(playbook.playbook(soar(), Subject(label, playbook=name)), verdict, *words)


@pytest.mark.parametrize(
    ("change", "verdict", "word"),
    [({"disabled": True}, "failed", "disabled"), ({"draft": True}, "warning", "draft mode")],
)
def test_a_playbook_that_is_disabled_or_a_draft(change: dict[str, bool], verdict: str, word: str) -> None:
    """Is told as such."""
    facts = soar(playbooks=(replace(TRIAGE, **change),))  # type: ignore[arg-type]
    told(playbook.playbook(facts, Subject("events", playbook="local/triage")), verdict, word)


@pytest.mark.parametrize(
    ("playbooks", "subject", "verdict", "words"),
    [
        ((TRIAGE, PHISHING), EVENTS, "ok", ('On label "events" start by themselves: local/triage.',)),
        ((TRIAGE,), Subject("events", automation=False), "warning", ("automation is 0", "Set automation to 1")),
        (
            (PHISHING,),
            EVENTS,
            "warning",
            ('No playbook is active for label "events"', "other labels: local/phishing (email)"),
        ),
        ((ASLEEP, INPUT), EVENTS, "warning", ("Inactive for it: local/contain.", "activate a playbook")),
        ((ASLEEP,), Subject("events", playbook="local/contain"), "ok", ("local/contain is started by name",)),
        ((), EVENTS, "warning", ("No playbook is active",)),
        ((replace(TRIAGE, disabled=True), replace(INPUT, active=True)), EVENTS, "warning", ("No playbook is active",)),
        ((TRIAGE,), Subject("{{x}}"), "skipped", ("filled from each result",)),
    ],
)
def test_automation(playbooks: tuple[Playbook, ...], subject: Subject, verdict: str, words: tuple[str, ...]) -> None:
    """The three reasons why none starts by itself: the parameter, the label, not active."""
    told(playbook.automation(soar(playbooks=playbooks), subject), verdict, *words)


@pytest.mark.parametrize(
    ("facts", "verdict", "words"),
    [
        ({"container": None}, "skipped", ("container=<id>",)),
        (
            {"container": Unread("SOAR refuses it: Requested item not found.", "", 404)},
            "failed",
            ("not found", "Check its id."),
        ),
        ({"container": container()}, "ok", ("2 artifacts", "success (playbook local/triage)")),
        ({"container": container(artifacts=())}, "failed", ("0 artifacts", "start with artifacts")),
        (
            {"container": container(artifacts=(10, 11, 12))},
            "warning",
            ("1 artifact came after the last run", "scope new"),
        ),
        ({"container": container(runs=(Run(9, "failed", None),))}, "ok", ("failed (playbook 9)",)),
        ({"container": container(runs=())}, "failed", ("local/triage would start", "automation off", "by hand")),
        (
            {"container": container(runs=()), "playbooks": (PHISHING,)},
            "failed",
            ("No playbook is active for that label", "(email)"),
        ),
        ({"container": container(runs=()), "playbooks": AWAY}, "warning", ("no playbook ever ran", "did not answer")),
        ({"container": container(), "playbooks": AWAY}, "ok", ("success (playbook 1)",)),
    ],
)
def test_container(facts: dict[str, Any], verdict: str, words: tuple[str, ...]) -> None:
    """No artifact, no active playbook, automation off, artifacts that came later."""
    told(playbook.container(soar(**facts)), verdict, *words)


@pytest.mark.parametrize(
    ("found", "verdict", "words"),
    [
        (None, "skipped", ("search=",)),
        (Unread("No saved search."), "failed", ("No saved search", "Check its name")),
        (saved(), "ok", ('"Brute force" (app search, owner ann)',)),
        (saved(disabled=True), "failed", ("is disabled", "Enable it.")),
        (saved(attached=False), "failed", ("no action Send to SOAR",)),
        (saved(scheduled=False), "failed", ("not scheduled",)),
        (saved(problems=("Parameter automation is 2.",)), "failed", ("automation is 2", "Correct")),
        (saved(dry_run=True), "failed", ("dry_run",)),
        (
            saved(refused=Unread("ann may not use SOAR accounts.", "It takes x.")),
            "failed",
            ("ann may not use", "It takes x."),
        ),
        (saved(suppressed="24h"), "warning", ("throttled", "24h")),
        (several((saved(), saved(app="es")), "Brute force"), "failed", ("search (ann), es (ann)",)),
    ],
)
def test_search(found: Any, verdict: str, words: tuple[str, ...]) -> None:
    """Whatever keeps a saved search from sending."""
    told(search(found), verdict, *words)


@pytest.mark.parametrize(
    ("found", "verdict", "words"),
    [
        ((), "ok", ("Nothing waits",)),
        ((statistics(),), "ok", ("Nothing waits",)),
        (
            (
                statistics(pending=2, oldest_age=61.0, most_attempts=1, last_error="Refused."),
                statistics(account="other"),
            ),
            "warning",
            ("Since 1 min wait prod: 2 containers, 1 attempt at most, last error: Refused.", "state=pending"),
        ),
        ((statistics(pending=1, oldest_age=7_300.0),), "failed", ("Since 2 h wait prod: 1 container",)),
        (REFUSED, "skipped", ("HTTP 403",)),
    ],
)
def test_outbox(found: Any, verdict: str, words: tuple[str, ...]) -> None:
    """Half an hour is too long."""
    told(backlog.outbox(found), verdict, *words)


@pytest.mark.parametrize(
    ("found", "verdict", "words"),
    [
        ((statistics(delivered=3),), "ok", ("nothing that was rejected",)),
        (
            (statistics(rejected=3, last_error="No label."),),
            "warning",
            ("prod: 3 containers, last error: No label.", "resend"),
        ),
        (REFUSED, "skipped", ("HTTP 403",)),
    ],
)
def test_rejects(found: Any, verdict: str, words: tuple[str, ...]) -> None:
    """What was refused for good is told until somebody acts."""
    told(backlog.rejects(found), verdict, *words)


@pytest.mark.parametrize(
    ("found", "verdict", "words"),
    [
        ((), "ok", ("No alert is unfinished",)),
        ((WaitingJournal("a", 5, owned=False),), "ok", ("1 alert unfinished", "5 s", "0 under way")),
        ((WaitingJournal("a", 4000, owned=True),), "ok", ("1 h", "1 under way")),
        ((WaitingJournal("a", 4000, owned=False, idle=0.0),), "ok", ("1 h", "0 under way")),
        (
            (
                WaitingJournal("a", 4000, owned=False, idle=0.0, why="The alert needs SOAR's list of names (user)."),
                WaitingJournal("b", 90, owned=False, idle=3.0, why="The alert needs SOAR's list of names (user)."),
                WaitingJournal("c", 90, owned=False, idle=3.0, why="The KV store is away."),
                WaitingJournal("d", 5, owned=True),
            ),
            "warning",
            (
                "4 alerts unfinished",
                "1 under way; 2 wait: The alert needs SOAR's list of names (user).; 1 waits: The KV store is away.",
                "again every 30 seconds",
            ),
        ),
        ((WaitingJournal("a", 4000, owned=False, idle=121.0, why="Why."),), "failed", ("nobody takes up",)),
        (
            (WaitingJournal("a", 200_000, owned=False), WaitingJournal("b", 5, owned=True)),
            "failed",
            ("2 alerts", "since 2 d", "nobody takes up", "soar_delivery"),
        ),
    ],
)
def test_journals(found: tuple[WaitingJournal, ...], verdict: str, words: tuple[str, ...]) -> None:
    """What nobody works on after two minutes lies there for good."""
    told(backlog.journals(found), verdict, *words)


def test_pause() -> None:
    """The breaker's reason is told."""
    told(backlog.pause(""), "ok", "not paused")
    told(backlog.pause("HTTP 401."), "warning", "HTTP 401.")


@pytest.mark.parametrize(
    ("change", "waits", "verdict", "words"),
    [
        ({}, True, "ok", ("sh1:42 works for all search heads", "1 min ago")),
        ({"enabled": None}, True, "skipped", ("no input soar_delivery",)),
        ({"enabled": AWAY}, True, "skipped", ("did not answer",)),
        ({"enabled": False}, False, "failed", ("is disabled", "Enable the input soar_delivery")),
        ({"lease": Lease("sh1:42", NOW - 7_300)}, True, "failed", ("No search head has the lease since 2 h",)),
        ({"lease": Lease("sh1:42", NOW - 7_300)}, False, "warning", ("since 2 h",)),
        ({"lease": Lease("sh1:42", 0.0)}, True, "failed", ("sh1:42 gave it back",)),
        ({"lease": None, "log_age": None}, False, "warning", ("never run",)),
        ({"lease": None, "log_age": 10.0}, True, "ok", ("runs",)),
        ({"lease": None, "log_age": 4_000.0}, True, "failed", ("1 h ago",)),
        ({"lease": REFUSED, "log_age": 10.0}, True, "ok", ("last log line 10 s ago",)),
        ({"lease": REFUSED, "log_age": None}, True, "skipped", ("No log on this search head", "administrators")),
        ({"lease": REFUSED, "log_age": 4_000.0}, True, "skipped", ("Last log line 1 h ago",)),
    ],
)
def test_heartbeat(change: dict[str, Any], waits: int, verdict: str, words: tuple[str, ...]) -> None:
    """A silent input fails when something waits for it; without that it warns."""
    told(backlog.heartbeat("delivery", "soar_delivery", beat(**change), NOW, waits=bool(waits)), verdict, *words)


POLLED = Polls(is_off=False, interval=60.0, polled=NOW - 70)


@pytest.mark.parametrize(
    ("change", "polls", "verdict", "words"),
    [
        ({}, POLLED, "ok", ("last complete poll 1 min ago", "sh1:42 works for all search heads")),
        ({}, None, "ok", ("sh1:42",)),
        ({}, Polls(is_off=True), "skipped", ("Not configured", "feedback is off")),
        ({}, REFUSED, "ok", ("sh1:42", "can't be read", "HTTP 403")),
        ({}, Polls(is_off=False), "ok", ("sh1:42",)),
        ({"lease": None, "log_age": None}, Polls(is_off=False), "warning", ("soar_feedback has never run",)),
        ({}, replace(POLLED, polled=NOW - 4_000), "warning", ("Nothing comes back: last complete poll 1 h ago",)),
        ({}, replace(POLLED, interval=3_600.0, polled=NOW - 4_000), "ok", ("1 h ago",)),
        (
            {},
            replace(POLLED, error="HTTP 403."),
            "warning",
            ("not complete (last complete poll 1 min ago): HTTP 403.",),
        ),
        (
            {},
            replace(POLLED, writeback_error="HTTP 500."),
            "warning",
            ("It comes back: last complete poll 1 min ago", "notables were not all updated: HTTP 500."),
        ),
        ({}, Polls(is_off=False, error="HTTP 401."), "failed", ("no complete poll yet", "HTTP 401.")),
        ({"enabled": None}, POLLED, "skipped", ("no input soar_feedback",)),
        ({"enabled": False}, POLLED, "failed", ("soar_feedback is disabled",)),
    ],
)
def test_feedback(change: dict[str, Any], polls: Any, verdict: str, words: tuple[str, ...]) -> None:
    """Switched off, standing still, refused, or coming back."""
    told(backlog.feedback(beat(**change), polls, NOW), verdict, *words)


@pytest.mark.parametrize(
    ("status", "verdict"), [("ready", "ok"), ("starting", "failed"), ("", "failed"), (AWAY, "skipped")]
)
def test_kv_store(status: Any, verdict: str) -> None:
    """Any state but ready."""
    told(platform.kv_store(status), verdict)


@pytest.mark.parametrize(
    ("change", "verdict", "words"),
    [
        ({}, "ok", ('"main"', "admin, user may search it")),
        ({"problems": ("The macro names none.",)}, "warning", ("The macro names none.", "tab Index")),
        ({"readers": {"admin": ("*",), "user": ("soar",)}}, "warning", ("roles of ann (user) may not", "only admin")),
        ({"name": "_soar"}, "warning", ("only admin",)),
        ({"readers": AWAY}, "ok", ("not known", "did not answer")),
        ({"is_here": False, "events": 12}, "ok", ('"main" is there',)),
        ({"is_here": False, "events": 0}, "failed", ('no index "main"', "Create it")),
        ({"is_here": False, "events": AWAY}, "warning", ("search peers", "eventcount")),
        ({"is_here": REFUSED}, "skipped", ("HTTP 403",)),
    ],
)
def test_index(change: dict[str, Any], verdict: str, words: tuple[str, ...]) -> None:
    """It exists, here or on search peers, and the caller may search it."""
    told(platform.index(index(**change), caller()), verdict, *words)


def test_an_index_is_judged_without_its_readers_when_nobody_knows_the_caller() -> None:
    """The index is there all the same."""
    told(platform.index(index(), AWAY), "ok", "not known")


@given(st.text("abc_*-", min_size=1), st.text("abc_-", min_size=1))
def test_internal_indexes_are_covered_by_internal_patterns_only(pattern: str, name: str) -> None:
    """A plain * means no index that begins with an underscore."""
    if platform.covers([pattern], name):
        assert pattern.startswith("_") == name.startswith("_")
    assert platform.covers(["*", "_*"], name)


PARSING = {"sourcetype": "modular_alerts:send_to_soar"}


@pytest.mark.parametrize(
    ("app", "parsing", "verdict", "words"),
    [
        (None, PARSING, "ok", ("is not there",)),
        (App("6.0.0", disabled=False), PARSING, "ok", ("6.0.0 is there",)),
        (App("6.0.0", disabled=True), PARSING, "warning", ("disabled",)),
        (App("6.0.0", disabled=False), {"sourcetype": "mine"}, "failed", ('"mine"', "btool")),
        (App("6.0.0", disabled=False), {}, "failed", ('""',)),
        (None, REFUSED, "skipped", ("HTTP 403",)),
        (REFUSED, PARSING, "skipped", ("HTTP 403",)),
    ],
)
def test_cim(app: Any, parsing: Any, verdict: str, words: tuple[str, ...]) -> None:
    """Our own parsing in force, and the app where there is one."""
    told(platform.cim(app, parsing), verdict, *words)


@pytest.mark.parametrize(
    ("app", "who", "verdict", "words"),
    [
        (None, caller(), "skipped", ("not installed",)),
        (REFUSED, caller(), "skipped", ("HTTP 403",)),
        (App("8.1.0", disabled=True), caller(), "warning", ("disabled",)),
        (App("8.1.0", disabled=False), AWAY, "skipped", ("8.1.0",)),
        (
            App("8.1.0", disabled=False),
            caller(),
            "warning",
            ("ann has no capability edit_notable_events", "ess_analyst"),
        ),
        (App("7.3.2", disabled=False), caller("edit_notable_events"), "ok", ("7.3.2; ann may update notables",)),
    ],
)
def test_enterprise_security(app: Any, who: Any, verdict: str, words: tuple[str, ...]) -> None:
    """Version, and the caller's right."""
    told(platform.enterprise_security(app, who, None), verdict, *words)


@pytest.mark.parametrize(
    ("updates", "verdict", "words"),
    [
        (Updates("on", "by notable_update"), "ok", ("ann may update", "Notable updates are on: by notable_update")),
        (REFUSED, "ok", ("ann may update", "can't be read", "HTTP 403")),
        (
            Updates("preview", "by notable_update", 2, 1, "You may not"),
            "warning",
            ("updates are preview", "2 were refused, 1 not seen", "the latest: You may not", "inputlookup"),
        ),
    ],
)
def test_updates_of_notables(updates: Any, verdict: str, words: tuple[str, ...]) -> None:
    """The way in force, and what did not work."""
    app = App("8.1.0", disabled=False)
    told(platform.enterprise_security(app, caller("edit_notable_events"), updates), verdict, *words)


@pytest.mark.parametrize(("version", "verdict"), [((3, 9, 2), "ok"), ((3, 13, 0), "ok"), ((3, 7, 17), "warning")])
def test_interpreter(version: tuple[int, int, int], verdict: str) -> None:
    """The two that Splunk brings."""
    told(platform.interpreter(Interpreter(version, "/p", "OpenSSL")), verdict, ".".join(map(str, version)))
    brought = platform.interpreter(Interpreter(version, "/p", "OpenSSL", ((3, 9), (3, 13))))
    told(brought, verdict, "Splunk brings 3.9, 3.13")


def test_mapping() -> None:
    """A wrong rule stops every alert."""
    told(addon.mapping(disk()), "ok", "174 rules compile.")
    told(addon.mapping(disk(own_rules=("mine",))), "ok", "changed or added here: mine")
    told(addon.mapping(disk(mapping=Unread("[mine] to: unknown.", "Write it so."))), "failed", "[mine]", "Write it so.")
    told(addon.mapping(disk(mapping=Unread("[mine]"))), "failed", "Correct the rule.")


def test_overrides() -> None:
    """The first five by file, stanza and key, the others counted."""
    told(addon.overrides(()), "ok")
    many = [Override("local/x.conf", "s", f"k{number}", "why") for number in range(7)]
    told(addon.overrides(many), "warning", "local/x.conf [s] k0: why; ", "k4: why; and 2 more.")
    told(addon.overrides([Override("local/x.conf", "", "", "why")]), "warning", "local/x.conf: why.")


@pytest.mark.parametrize(
    ("limits", "verdict", "word"),
    [({"maxresults": "50000"}, "ok", "50000"), ({"maxresults": "10000"}, "warning", "10000"), ({}, "ok", "5m")],
)
def test_limits(limits: dict[str, str], verdict: str, word: str) -> None:
    """Fewer results than shipped."""
    told(addon.limits(limits), verdict, word)


@pytest.mark.parametrize(
    ("package", "verdict", "words"),
    [
        (Package(500), "ok", ("500 files",)),
        (Package(0), "failed", ("list of the add-on's files is missing",)),
        (Package(5, missing=("bin/a.py",), changed=("lib/b.py",)), "failed", ("Missing: bin/a.py",)),
        (Package(5, changed=("default/a.conf", "lib/b.py")), "failed", ("Not as built: lib/b.py",)),
        (Package(5, changed=("default/a.conf", "metadata/default.meta")), "warning", ("default/a.conf", "deployer")),
        (Package(5, added=("lib/old.py",)), "warning", ("lib/old.py",)),
    ],
)
def test_package(package: Package, verdict: str, words: tuple[str, ...]) -> None:
    """Code that was changed fails, conf files that a deployer merges warn."""
    told(addon.package(package), verdict, *words)
