"""What the evaluator refuses: what Splunk refuses too, and what it does not know."""

from __future__ import annotations

import pytest

from lab.spl.refusal import SearchRefused
from tests.lab.spl.sources import rows

REFUSED = {
    "": "empty",
    "status=queued": "name its index",
    "`i` | wibble": "'wibble' is unknown",
    "`i` | transaction account": "'transaction' is unknown",
    "`i` | sendalert send_to_soar": "'sendalert' is unknown",
    "| broken": "it broke",
    "| nobody": "can't begin with 'nobody'",
    "`nothing`": "macro 'nothing' that cannot be found",
    "`of(a, b)`": "macro 'of\\(2\\)' that cannot be found",
    "`loop`": "contains itself",
    '`i` "open': "Unbalanced quotes",
    "`i` | where (ms > 1": "Expected '\\)'",
    "`i` [ search `i`": "Unbalanced",
    "`i` ]": "Unbalanced",
    "`i` ``` open": "does not end",
    "`i` status==queued": "'=='",
    "`i` status=queued OR status=rejected": "OR beside other terms needs brackets",
    "`i` | search earliest=-1d": "belong to the first search",
    "`i` | where status": "true or false",
    '`i` | where status="a" AND ms': "AND needs an expression",
    "`i` | eval x = ms > 1": "boolean result",
    "`i` | eval x = if(ms, 1, 2)": "if needs an expression",
    "`i` | eval x = if(ms > 1, 2)": "takes 3 arguments",
    "`i` | eval x = case(ms > 1)": "pairs",
    "`i` | eval x = nosuch(1)": "nosuch\\(\\) is unknown",
    "`i` | eval x = len()": "takes 1 arguments, got 0",
    '`i` | eval x = strftime(1, "%q")': "%q",
    '`i` | eval x = relative_time(1, "@fortnight")': "Invalid time unit",
    '`i` | eval x = replace(status, "(", "")': "Invalid regular expression",
    "`i` | eval x = 1 2": "Unexpected '2'",
    "`i` | stats wibble(ms)": "wibble is unknown",
    "`i` | stats sum": "needs a field",
    "`i` | stats count(eval(ms>1))": "needs a name",
    "`i` | stats sum(eval(ms>1)) AS s": "wrong kind of value",
    "`i` | stats count(a*)": "Wildcards",
    "`i` | timechart count": "with a span only",
    "`i` | timechart span=1mon count": "not evaluated here",
    "`i` | timechart span=1h sum(ms) count BY account": "One function only",
    "`i` | chart count OVER a BY b c": "Can't read",
    "`i` | top limit=x account": "no whole number",
    "`i` | top wibble=1 account": "option wibble is unknown",
    "`i` | rename a* AS b*": "whole names",
    "`i` | rename a b": "Expected AS",
    "`i` | sort num(ms)": "not evaluated here",
    "`i` | join account": "Expected a subsearch",
    "`i` | join type=right account [ search `i` ]": "type=right",
    "`i` | eval owner=1 | lookup owners name AS ms OUTPUT owner": "overwrite owner with nothing",
    '`i` | rex "no group"': "named group",
    '`i` | rex mode=sed "s/a/b/"': "option mode is unknown",
    "`i` | bin ms span=10": "gives ranges",
    "| tstats count FROM datamodel=Authentication": "with WHERE",
    "| tstats count FROM datamodel=Web WHERE Web.status=200": "data model Web",
    "| tstats count FROM Authentication WHERE a=1": "datamodel=",
    '| tstats count FROM datamodel=Authentication WHERE action="failure"': "action: not in Authentication",
    "| tstats count FROM datamodel=Authentication WHERE Authentication.app=x BY Authentication.ms": "ms: not in",
    "| tstats summariesonly=true count WHERE index=main": "of data models only",
    "| tstats count WHERE index=main BY account": "not in the index",
    "`i` | dedup": "Expected a field",
    "`i` | table": "needs fields",
    "`i` | head x": "no number",
    "`i` earliest=soon": "for a time|Invalid",
}  # fmt: skip


@pytest.mark.parametrize("search", REFUSED)
def test_refused(search: str) -> None:
    """A search that is wrong, or outside the part that is evaluated, is refused, and the text says why."""
    with pytest.raises(SearchRefused, match=REFUSED[search]):
        rows(search)


def test_the_place_is_named() -> None:
    """The position leads to what is wrong, in the search with its macros put in."""
    with pytest.raises(SearchRefused) as caught:
        rows("`i` | stats count | eval x = 1 + nosuch(2)")
    whole = "index=main | stats count | eval x = 1 + nosuch(2)"
    assert caught.value.position == whole.index("nosuch")
    assert str(caught.value).startswith("Error in 'eval' command: ")
