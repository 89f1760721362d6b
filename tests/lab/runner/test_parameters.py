"""Parameters reach the action as splunkd and Enterprise Security hand them over."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.cli.options import parse_parameters
from lab.runner.action import Action, check_parameters
from lab.runner.adhoc import through_sendalert
from lab.runner.errors import LabError
from lab.runner.payload import Call, Splunkd, payload
from lab.runner.search import Mode, Search
from lab.runner.tokens import replace_tokens, tokens_of

ACTION = Action("send_to_soar", "TA_send_to_soar", Path("x.py"), {"label": "events", "severity": "", "_cam": "{}"}, 300)
SEARCH = Search("scheduler__admin__search__RMD5a_at_1700000000_1", Mode.SAVED, "A & B", "search", "admin", 1.7e9)
COLUMNS = [("src", "10.0.0.1"), ("user", "a\nb"), ("__mv_user", "$a$;$b$"), ("empty", "")]
SPLUNKD = Splunkd("https://127.0.0.1:8089", "sh1", "key-1")


def _payload(search: Search, parameters: dict[str, str], result_id: int | None = None) -> dict[str, object]:
    call = Call(Path("/d/results.csv.gz"), COLUMNS, 3, result_id)
    return payload(search, call, SPLUNKD, parameters)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$result.src$ and $name$", "10.0.0.1 and A & B"),
        ("$result.user$", "a\nb"),
        ("[$result.nosuch$][$job.nosuch$][$result.empty$]", "[][][]"),
        ("$trigger_time$", "1700000000"),
        ("$job.resultCount$/$results.count$", "3/3"),
        ("costs $5 and $6", "costs $5 and $6"),
        ("$2y$10$abc", "$2y$10$abc"),
        ("{{src}}", "{{src}}"),
    ],
)
def test_tokens_come_from_the_first_row(text: str, expected: str) -> None:
    """``$…$`` tokens are replaced, those without a value by nothing; other dollar signs and ``{{…}}`` stay."""
    tokens = tokens_of(SEARCH, COLUMNS, results_file=Path("/d/r"), results_link="http://x", count=3)
    assert replace_tokens(text, tokens) == expected


def test_payload_of_a_saved_search() -> None:
    """The payload has splunkd's keys; an emptied parameter is there and empty, lists stand for multi-value fields."""
    document = _payload(SEARCH, {"label": "x $result.src$", "severity": ""})
    assert document["configuration"] == {"label": "x 10.0.0.1", "severity": ""}
    assert document["result"] == {"src": "10.0.0.1", "user": ["a", "b"], "empty": ""}
    assert document["search_uri"] == "/servicesNS/nobody/search/saved/searches/A%20%26%20B"
    assert "result_id" not in document


def test_payload_of_other_modes() -> None:
    """An ad hoc run has no search_uri; a run for one result has a result_id, 0 too."""
    adhoc = Search("1700000000.1", Mode.ADHOC, "", "search", "admin", 1.7e9)
    assert "search_uri" not in _payload(adhoc, {})
    assert _payload(SEARCH, {}, result_id=0)["result_id"] == "0"


def test_session_key_is_in_no_repr() -> None:
    """What holds a session key does not show it."""
    assert "key-1" not in repr(SPLUNKD)


@pytest.mark.parametrize(
    ("given", "arrives"),
    [
        ('"high"', "high"),
        ('a "b" c', 'a "b" c'),
        (r"C:\Temp\x", r"C:\Temp\x"),
        (r"a\\b", r"a\b"),
        ("", ""),
    ],
)
def test_adhoc_values_arrive_as_enterprise_security_sends_them(given: str, arrives: str) -> None:
    """Outer quotes are stripped, inner ones survive, a doubled backslash arrives as one."""
    assert through_sendalert(ACTION, {"label": given}) == {"label": arrives}


@pytest.mark.parametrize("value", ["C:\\", 'a\\"b'])
def test_adhoc_value_that_breaks_the_search_is_refused(value: str) -> None:
    """A backslash before a quote or at the end would end the string early: Splunk could not run the search."""
    with pytest.raises(LabError, match="parameter label"):
        through_sendalert(ACTION, {"label": value})


def test_adhoc_refuses_undeclared_parameters_in_the_words_of_enterprise_security() -> None:
    """What alert_actions.conf does not declare can't be used ad hoc."""
    with pytest.raises(LabError, match="Invalid parameter for adhoc modular action"):
        through_sendalert(ACTION, {"nosuch": "1"})


def test_saved_search_mistakes_are_named() -> None:
    """A parameter that is not declared is refused with what was probably meant."""
    with pytest.raises(LabError, match=r"no parameter severty.*Did you mean severity"):
        check_parameters(ACTION, {"severty": "high"})


def test_parameters_are_name_and_value() -> None:
    """``NAME=`` empties, a value may hold ``=``, ``param.`` may stand before the name."""
    assert parse_parameters(["a=", "b=x=y", "param.c= z "]) == {"a": "", "b": "x=y", "c": " z "}


@pytest.mark.parametrize("given", [["a"], ["=x"], ["a=1", "param.a=2"]])
def test_parameter_mistakes_are_refused(given: list[str]) -> None:
    """No ``=``, no name, the same name twice: refused."""
    with pytest.raises(LabError, match="--param"):
        parse_parameters(given)
