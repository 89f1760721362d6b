"""Fields that name things of the server, and those with a grammar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from soarlink.plan.containerfields import ContainerFields, Filled, kill_chain_stage
from soarlink.plan.naming import judged_by_soar, missing_parts, refusals
from soarlink.plan.vocabulary import Vocabulary
from tests.unit.samples import RowList, asked, make_row

KNOWN = Vocabulary(
    {
        "status": {"new": "new", "Triage": "open"},
        "user": {"alice": 2, "1234": 9},
        "role": {"Incident Commander": 3},
        "workbook": {"Response": 5},
        "tenant": {"north": 7},
        "custom_field": {"Ticket": "text"},
        "severity": {"Critical": "Critical"},
    }
)


def fill(
    fields: Mapping[str, Any], vocabulary: Vocabulary = KNOWN, started: float | None = None, **changes: str
) -> Filled:
    """The fields for a row."""
    return ContainerFields(asked(**changes), "events", {}, vocabulary, started).fill(make_row(**fields))


def test_names_become_what_soar_wants() -> None:
    """Case does not count, the server's spelling is sent, ids are numbers."""
    filled = fill(
        {},
        status="triage",
        owner="Alice",
        workbook="response",
        tenant="NORTH",
        custom_fields="ticket=T-1",
    )
    assert filled.body == {
        "label": "events",
        "status": "Triage",
        "owner_id": 2,
        "template_id": 5,
        "tenant_id": 7,
        "custom_fields": {"Ticket": "T-1"},
    }
    assert (filled.notes, filled.refusals) == ([], [])


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        ("12", {"owner_id": 12}),
        ("1234", {"owner_id": 9}),
        ("role:incident commander", {"role_id": 3}),
        ("role:8", {"role_id": 8}),
    ],
)
def test_digits_are_an_id_unless_they_are_a_name(owner: str, expected: dict[str, int]) -> None:
    """An owner may be a user or a role, by name or by id."""
    filled = fill({}, owner=owner)
    assert {name: filled.body.get(name) for name in expected} == expected


def test_a_name_that_the_server_lacks_is_refused_with_what_there_is() -> None:
    """Each of them, in words; and what was asked for stands in the body, should somebody send it after all."""
    filled = fill(
        {"who": "bob"},
        Vocabulary({**KNOWN.parts, "label": {"Events": "Events", "mail": "mail"}}),
        label="event",
        severity="mayhem",
        owner="{{who}}",
        status="gone",
        workbook="none",
        custom_fields="color=red",
        tenant="south",
    )
    assert filled.body == {
        "label": "event",
        "status": "gone",
        "owner_id": "bob",
        "tenant_id": "south",
        "template_id": "none",
        "custom_fields": {"color": "red"},
    }
    assert filled.refusals == [
        (
            'SOAR has no label "event" (parameter label). Closest: "Events". There are: Events, mail. '
            "Create the label in SOAR (Administration > Event settings > Label settings) or correct it."
        ),
        (
            'SOAR has no severity "mayhem" (parameter severity). There are: Critical. Use one of these, or a template '
            "with a default such as {{urgency|default:medium}}."
        ),
        'SOAR has no status "gone" (parameter status). There are: new, Triage.',
        'SOAR has no user "bob" (parameter owner). There are: alice, 1234.',
        'SOAR has no tenant "south" (parameter tenant). Closest: "north". There are: north.',
        'SOAR has no workbook template "none" (parameter workbook). There are: Response.',
        'SOAR has no custom field "color" (parameter custom_fields). There are: Ticket.',
    ]


def test_a_long_list_of_names_is_cut() -> None:
    """Twenty names, and how many more."""
    many = Vocabulary({"user": {f"u{n}": n for n in range(25)}})
    assert many.refusal("parameter owner", "user", "x").endswith("u18, u19 and 5 more.")
    assert Vocabulary({"user": {}}).refusal("parameter owner", "user", "x").endswith("There are: none.")


def test_the_nearest_name_is_named_however_many_there_are() -> None:
    """A typing error is seen at once."""
    many = Vocabulary({"user": {f"user{n:05}": n for n in range(5_000)} | {"Alice.Moreau": 1}})
    assert 'Closest: "Alice.Moreau".' in many.refusal("parameter owner", "user", "alice.moreu")
    assert "Closest" not in many.refusal("parameter owner", "user", "zz")


def test_what_was_not_looked_up_is_sent_as_it_stands_and_told() -> None:
    """Without a vocabulary a status and a custom field are SOAR's to judge; an owner's name is a note."""
    filled = fill({}, Vocabulary(), owner="alice", status="Triage", custom_fields="a=1")
    assert (filled.body["owner_id"], filled.body["status"], filled.body["custom_fields"]) == (
        "alice",
        "triage",
        {"a": "1"},
    )
    assert filled.notes == ['owner "alice" was not looked up in SOAR']


def test_empty_fields_are_left_to_soar() -> None:
    """A template that renders empty sends nothing."""
    filled = fill({}, status="{{a}}", owner="{{a}}", due="{{a}}", custom_fields="ticket={{a}}", kill_chain="{{a}}")
    assert filled.body == {"label": "events"}


LABELS = Vocabulary({"label": {"Events": "Events", "mail": "mail"}, "severity": {"Sev-1": "Sev-1"}})


@pytest.mark.parametrize(
    ("label", "body", "refused"),
    [
        ("EVENTS", "Events", ""),
        ("", "Events", ""),
        ("{{l}}", "mail", ""),
        ("{{m}}", "male", '"male" (parameter label)'),
    ],
)
def test_labels_are_spelled_as_the_server_does_or_refused(label: str, body: str, refused: str) -> None:
    """A parameter, a row's own, or the account's default."""
    filled = fill({"l": "mail", "m": "male"}, LABELS, label=label)
    assert filled.body["label"] == body
    assert [refused in one for one in filled.refusals] == [True] * bool(refused)


def test_the_account_s_default_label_is_named_for_what_it_is() -> None:
    """The remedy is another one: the account's settings."""
    fields = ContainerFields(asked(), "gone", {}, LABELS)
    (refusal,) = fields.fill(make_row()).refusals
    assert 'SOAR has no label "gone" (the account\'s default label).' in refusal


@pytest.mark.parametrize(
    ("severity", "known", "sent", "is_refused"),
    [
        ("HIGH", LABELS, "high", False),
        ("sev-1", LABELS, "Sev-1", False),
        ("critical", LABELS, "critical", True),
        ("critical", Vocabulary(), "critical", False),
    ],
)
def test_a_severity_in_full_is_never_adjusted(severity: str, known: Vocabulary, sent: str, is_refused: bool) -> None:  # noqa: FBT001
    """The three of every server, the server's own, or a refusal; without a list SOAR judges it."""
    fields = ContainerFields(asked(severity=severity), "events", {}, known)
    assert fields.severity(make_row()) == (sent, "")
    assert bool(fields.fill(make_row()).refusals) == is_refused


@pytest.mark.parametrize(
    ("row", "due", "written"),
    [
        ({"_time": "1700000000"}, "+1d", "2023-11-15T22:13:20.000000Z"),
        ({}, "+1m", "1970-01-01T00:02:40.000000Z"),
        ({"d": "1700000000"}, "{{d}}", "2023-11-14T22:13:20.000000Z"),
        ({"d": "2030-01-02"}, "{{d}}", "2030-01-02T00:00:00.000000Z"),
    ],
)
def test_due_times(row: dict[str, str], due: str, written: str) -> None:
    """Offsets count from the row's time, or from the search's start, which is told."""
    filled = fill(row, started=100.0, due=due)
    assert filled.body["due_time"] == written
    assert bool(filled.notes) == (due.startswith("+") and not row)


def test_a_due_time_that_is_none_is_told() -> None:
    """Nothing is sent for it."""
    assert fill({"d": "soon"}, due="{{d}}").notes == ['due "soon" is no time that SOAR could use: left to SOAR']
    assert "due_time" not in fill({}, due="+4h").body


def test_kill_chain_stages_are_known_in_common_spellings() -> None:
    """Lockheed's names with dashes, underscores and 'and'."""
    assert kill_chain_stage("command-and-control") == "Command & Control"
    assert kill_chain_stage("ACTIONS_ON_OBJECTIVES") == "Actions on Objectives"
    assert kill_chain_stage("exfiltration") == ""


def test_a_long_custom_field_is_cut_and_told() -> None:
    """65,536 characters are kept."""
    filled = fill({"v": "x" * 70_000}, custom_fields="ticket={{v}}")
    assert filled.body["custom_fields"]["Ticket"].endswith("… [cut: 70000 characters]")
    assert filled.notes == ["custom field ticket was cut: it has 70000 characters"]


def missing(rows: RowList, columns: tuple[str, ...], known: Vocabulary | None = None, **changes: str) -> set[str]:
    """The parts that lack a name."""
    return set(missing_parts(asked(**changes), {}, rows, columns, known or Vocabulary(), default_label="events"))


def test_defaults_ask_for_nothing() -> None:
    """Ordinary severities, no other names: no part is missing; without a severity column no row is read."""
    rows = RowList([make_row(urgency=level) for level in ("high", "Low", "medium")])
    assert missing(rows, ("urgency",)) == set()
    rows = RowList([make_row(src="1")])
    assert missing(rows, ("src",)) == set()
    assert rows.passes == 0


def test_a_default_label_is_looked_for_only_where_labels_are_known() -> None:
    """Most runs name no label: they cost no request; one that the list lacks is asked for once more."""
    rows = RowList([make_row()])
    assert missing(rows, ()) == set()
    assert missing(rows, (), LABELS) == set()
    assert missing(rows, (), Vocabulary({"label": {"mail": "mail"}})) == {"label"}
    assert missing(rows, (), label="events") == {"label"}
    assert missing(rows, (), LABELS, label="events", severity="low") == set()
    assert missing(rows, (), severity="sev-9") == {"severity"}


def test_soar_judges_what_needs_no_id() -> None:
    """A label; and a severity, unless it is chosen row by row."""
    assert judged_by_soar(asked(severity="x")) == {"label", "severity"}
    assert judged_by_soar(asked()) == {"label"}


def test_only_the_parts_of_the_names_that_are_asked_for() -> None:
    """Fixed names without reading rows, templates row by row and no further than needed, digits never."""
    rows = RowList([make_row(n, who=who) for n, who in enumerate(["7", "", "bob", "carol"])])
    assert missing(rows, ("who",), owner="role:X", workbook="R", tenant="12", custom_fields="a=1", status="s") == {
        "role",
        "workbook",
        "custom_field",
        "status",
    }
    assert rows.passes == 0
    assert missing(rows, ("who",), tenant="{{who}}") == {"tenant"}
    assert rows.handed_out == 3
    assert missing(rows, ("who",), Vocabulary({"tenant": {"bob": 1, "carol": 2}}), tenant="{{who}}") == set()


def test_an_owner_may_need_users_and_roles() -> None:
    """Rows are read until both are known to be needed."""
    rows = RowList([make_row(n, who=who) for n, who in enumerate(["bob", "bob", "role:x", "role:", "dan"])])
    assert missing(rows, ("who",), owner="{{who}}") == {"user", "role"}
    assert rows.handed_out == 3


def test_fixed_names_are_refused_before_rows_are_read() -> None:
    """Only of parts that are known, and not of templates."""
    parameters = asked(owner="bob", status="{{x}}", workbook="none", custom_fields="color=1")
    assert len(refusals(parameters, {}, KNOWN)) == 3
    assert refusals(asked(label="gone", severity="gone"), {}, LABELS) == []  # container by container
    assert refusals(parameters, {}, Vocabulary()) == []
