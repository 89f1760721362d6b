"""Arguments: every mistake is named together with what is allowed."""

from __future__ import annotations

import pytest

from soarlink.commands.arguments import act_request, duration, view_request
from soarlink.commands.changes import Changes
from soarlink.errors import ParameterError
from soarlink.outbox.selection import Filters

NOW = 1_000_000.0


def test_a_view_without_words_lists_everything() -> None:
    """The oldest ten thousand."""
    request = view_request([], NOW)
    assert (request.action, request.filters, request.limit) == ("list", Filters(), 10_000)


def test_a_view_understands_its_filters() -> None:
    """Several keys and states; texts as they are."""
    words = ["action=list", "state=pending,Rejected", "account=prod", "search=Brute Force=*", "sid=1.2", "owner=ann"]
    request = view_request([*words, "key=abcdef,ABC123", "action_name=run_*", "limit=0"], NOW)
    assert request.filters == Filters(
        keys=("abcdef", "abc123"),
        states=("pending", "rejected"),
        account="prod",
        search="Brute Force=*",
        sid="1.2",
        action="run_*",
        owner="ann",
    )
    assert request.limit == 0


@pytest.mark.parametrize(
    ("words", "before", "after"),
    [
        (["age>2h"], NOW - 7200, None),
        (["age>=2h"], NOW - 7200, None),
        (["age", ">", "2h"], NOW - 7200, None),
        (["age>", "2h"], NOW - 7200, None),
        (["age", ">2h"], NOW - 7200, None),
        (["age<7d"], None, NOW - 7 * 86400),
        (["older_than=90s", "newer_than=1w"], NOW - 90, NOW - 604800),
    ],
)
def test_ages_are_understood_however_they_are_split(
    words: list[str], before: float | None, after: float | None
) -> None:
    """As one word or as three."""
    filters = view_request(words, NOW).filters
    assert (filters.created_before, filters.created_after) == (before, after)


@pytest.mark.parametrize("words", [["stats"], ["action=stats"], [" stats "]])
def test_the_action_may_stand_alone(words: list[str]) -> None:
    """As a bare word."""
    assert view_request(words, NOW).action == "stats"


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90.0), ("30M", 1800.0), ("1w", 604800.0), ("2", None), ("-1h", None)]
)
def test_a_time_span_has_a_unit(text: str, seconds: float | None) -> None:
    """Seconds to weeks."""
    assert duration(text) == seconds


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["action=delete"], 'action="delete" must be one of list, show, stats'),
        (["colour=red"], '"colour=red" is not understood; there are: action, key, state'),
        (["delete"], '"delete" is not understood'),
        (["record=true"], '"record=true" is not understood'),
        (["state=open"], 'state="open" must be one of pending, delivered, rejected, discarded'),
        (["key=xyz"], 'key="xyz" must be a key'),
        (["key=abc"], "first 6 or more"),
        (["key=,"], "key is empty"),
        (["state=pending", "state=rejected"], "state is given twice"),
        (["age>soon"], 'older_than="soon" must be a number with s, m, h, d or w'),
        (["limit=many"], 'limit="many" must be a whole number'),
        (["show"], "action=show needs key="),
    ],
)
def test_a_wrong_word_is_named(words: list[str], problem: str) -> None:
    """With what is allowed."""
    with pytest.raises(ParameterError) as caught:
        view_request(words, NOW)
    assert problem in str(caught.value)


def test_all_mistakes_are_reported_together() -> None:
    """So that nobody mends one after the other."""
    with pytest.raises(ParameterError) as caught:
        view_request(["action=x", "state=y", "limit=z"], NOW)
    assert len(caught.value.problems) == 3


def test_an_act_takes_filters_and_changes() -> None:
    """What SOAR spells in lower case is brought to it; names are made fit for SOAR."""
    words = ["action=resend", "state=rejected", "label=events", "severity=HIGH", "sensitivity=Red", "status=new"]
    request = act_request([*words, "container_name=a\n b", "to_account=lab", "older_than=1d"], NOW)
    assert request.changes == Changes("events", "high", "red", "new", "a b", "lab")
    assert request.filters == Filters(states=("rejected",), created_before=NOW - 86400)
    assert act_request(["resend", "key=abcdef", "severity=Urgent"], NOW).changes.severity == "Urgent"


def test_purge_counts_from_the_last_change() -> None:
    """older_than is not a filter on the creation there."""
    request = act_request(["action=purge", "older_than=30d", "state=delivered"], NOW)
    assert (request.before, request.filters) == (NOW - 30 * 86400, Filters(states=("delivered",)))


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "action is missing; it must be one of deliver, resend, discard, purge"),
        (["action=resend"], "action=resend needs key=… or another condition"),
        (["action=purge"], "purge needs older_than=… (such as 30d) or key=…"),
        (["action=purge", "older_than=1d", "state=rejected"], "Discard what is not delivered"),
        (["action=discard", "key=abcdef", "label=x"], "label: only action=resend changes"),
        (["action=resend", "key=abcdef", "label="], "label is empty"),
        (["action=resend", "key=abcdef", "sensitivity=pink"], "must be one of white, green, amber, red"),
        (["action=purge", "older_than=x"], 'older_than="x"'),
    ],
)
def test_an_act_that_is_not_clear_is_refused(words: list[str], problem: str) -> None:
    """Nothing is done to everything by mistake."""
    with pytest.raises(ParameterError) as caught:
        act_request(words, NOW)
    assert problem in str(caught.value)
