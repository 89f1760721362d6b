"""What the evaluator's commands do: expectations by hand from Splunk's Search Reference."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from lab.spl.evaluator import evaluate, refine
from lab.spl.value import Row
from tests.lab.spl.sources import NOW, Memory, answer, rows


@pytest.mark.parametrize(
    ("search", "numbers"),
    [
        ("`i`", "4321"),
        ("search index=main", "4321"),
        ("`i` status=deliv*", "31"),
        ("`i` status=DELIVERED", "31"),
        ("`i` status!=delivered", "42"),
        ("`i` ms!=10", "32"),
        ("`i` NOT ms=10", "432"),
        ("`i` ms>=20", "32"),
        ("`i` (status=queued OR status=rejected) account=prod", "42"),
        ("`i` status IN (queued, rejected)", "42"),
        ('`i` "row 3"', "3"),
        ("`i` ro", ""),
        ("`i` `of(test)`", "3"),
        ("`i` [ search `i` status=queued | fields account ]", "421"),
        ("`i` | where ms > 10 AND isnotnull(ms)", "32"),
        ('`i` | where status="delivered" OR status="queued" AND account="none"', "31"),
        ('`i` | search account=prod | where like(status, "%e_ed")', "21"),
        ("`i` | sort ms | head 2", "12"),
        ("`i` | sort -ms, number", "3214"),
        ("`i` | dedup status", "432"),
        ("`i` | dedup account sortby number", "34"),
        ("`i` | reverse | tail 1", "4"),
        ("`i` ``` a comment | with a pipe ``` status=queued", "2"),
        ("`i` earliest=-2h", "43"),
    ],
)
def test_which_rows(search: str, numbers: str) -> None:
    """Terms, expressions and trimming commands keep the right rows in the right order."""
    assert "".join(str(row["number"]) for row in rows(search)) == numbers


def test_the_range_of_the_search() -> None:
    """The begin is inside, the end is not; modifiers snap."""
    begin = str(NOW - 10_000 + 60)
    assert [row["number"] for row in rows("`i`", earliest=begin, latest=str(NOW - 10_000 + 3600))] == ["2"]
    assert [row["number"] for row in rows("`i`", earliest="-10000s", latest="now")] == ["4", "3", "2", "1"]
    assert [row["number"] for row in rows("`i`", earliest="@h-1h")] == ["4"]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3 - -1", "10"),
        ('7 % 4 . "x"', "3x"),
        ("10 / 4", "2.5"),
        ("1 / 0", None),
        ('"a" . 1', "a1"),
        ("ms + 1", None),
        ('if(isnull(ms), "none", ms)', "none"),
        ('case(1 == 2, "a", 2 = 2, "b", true(), "c")', "b"),
        ('case(1 == 2, "a")', None),
        ('coalesce(ms, null(), "x")', "x"),
        ("round(2.5)", "3"),
        ("round(2.345, 2)", "2.35"),
        ('tostring(1234567, "commas")', "1,234,567"),
        ('tostring(90061, "duration")', "1+01:01:01"),
        ('tonumber("0x")', None),
        ('tonumber("ff", 16)', "255"),
        ('strftime(0, "%Y-%m-%dT%H:%M:%S.%3NZ")', "1970-01-01T00:00:00.000Z"),
        ('strptime("1970-01-02T00:00:00.500000Z", "%Y-%m-%dT%H:%M:%S.%6NZ")', "86400.5"),
        ('strptime("yesterday", "%F")', None),
        ('relative_time(86399, "@d")', "0"),
        ("now()", "1700000000"),
        ('substr("hello", 2, 3)', "ell"),
        ('substr("hello", -2)', "lo"),
        ('replace("a-b", "(\\w)-(\\w)", "\\2\\1")', "ba"),
        ('mvcount(split("a,b,c", ","))', "3"),
        ('mvindex(split("a,b,c", ","), -1)', "c"),
        ('mvindex(split("a,b,c", ","), 0, 1)', ["a", "b"]),
        ('mvjoin(mvsort(mvappend("b", "a")), "+")', "a+b"),
        ('mvzip(split("a,b", ","), split("1,2", ","), "=")', ["a=1", "b=2"]),
        ('max(1, "2", 10)', "10"),
        ("lower(upper(status))", "rejected"),
        ("len('status')", "8"),
        ('urldecode("a%20b")', "a b"),
        ('if(cidrmatch("10.0.0.0/8", "10.1.2.3"), "in", "out")', "in"),
        ('if(status IN ("a", "rejected") XOR true(), 1, 0)', "0"),
    ],
)
def test_expressions(expression: str, expected: str | list[str] | None) -> None:
    """Operators bind and functions work as the reference says; nothing stays nothing."""
    assert rows(f"`i` status=rejected | eval x = {expression}")[0].get("x") == expected


FIGURES: Mapping[str, list[dict[str, object]]] = {
    "stats count": [{"count": "4"}],
    "stats count(ms) AS n, sum(ms) AS s avg(ms) AS a": [{"n": "3", "s": "60", "a": "20"}],
    "stats min(ms) AS a max(ms) AS b range(ms) AS c": [{"a": "10", "b": "30", "c": "20"}],
    "stats median(ms) AS m p95(ms) AS p": [{"m": "20", "p": "30"}],
    "stats dc(account) AS d values(account) AS v": [{"d": "2", "v": ["prod", "test"]}],
    "stats list(number) AS l first(number) AS f last(number) AS e": [{"l": ["4", "3", "2", "1"], "f": "4", "e": "1"}],
    "stats latest(status) AS l earliest(status) AS e": [{"l": "rejected", "e": "delivered"}],
    "stats count BY account": [{"account": "prod", "count": "3"}, {"account": "test", "count": "1"}],
    "stats count BY ms, account": [
        {"ms": "10", "account": "prod", "count": "1"},
        {"ms": "20", "account": "prod", "count": "1"},
        {"ms": "30", "account": "test", "count": "1"},
    ],
    'stats count(eval(status="delivered")) AS good max(eval(ms*2)) AS twice': [{"good": "2", "twice": "60"}],
    "chart count OVER account BY status": [
        {"account": "prod", "delivered": "1", "queued": "1", "rejected": "1"},
        {"account": "test", "delivered": "1", "queued": "0", "rejected": "0"},
    ],
    "chart limit=1 sum(ms) BY account status": [
        {"account": "prod", "delivered": "10", "OTHER": "20"},
        {"account": "test", "delivered": "30"},
    ],
    "chart count OVER account BY ms": [
        {"account": "prod", "10": "1", "20": "1", "30": "0", "NULL": "1"},
        {"account": "test", "10": "0", "20": "0", "30": "1", "NULL": "0"},
    ],
    "top limit=1 account": [{"account": "prod", "count": "3", "percent": "75"}],
    "rare showperc=f account": [{"account": "test", "count": "1"}, {"account": "prod", "count": "3"}],
    "eventstats sum(ms) AS s BY account | where number=2 | table s": [{"s": "30"}],
    'streamstats count AS n | where status="queued" | table n': [{"n": "3"}],
    "head 2 | streamstats current=f last(number) AS before | table before": [{}, {"before": "4"}],
    "stats count BY status account | xyseries account status count": [
        {"account": "prod", "delivered": "1", "queued": "1", "rejected": "1"},
        {"account": "test", "delivered": "1"},
    ],
    "stats count sum(ms) AS s | untable count name value": [{"count": "4", "name": "s", "value": "60"}],
    "where 1=2 | stats count sum(ms) AS s": [{"count": "0"}],
    "where 1=2 | stats sum(ms) AS s": [],
    "where 1=2 | stats count BY account": [],
    "where 1=2 | timechart span=1h count": [],
}  # fmt: skip


@pytest.mark.parametrize("command", FIGURES)
def test_figures(command: str) -> None:
    """Stats and its relatives give the rows that a person works out."""
    assert rows(f"`i` | {command}") == FIGURES[command]


def test_timechart_covers_the_range() -> None:
    """There is a bin for every span of the search's range, 0 where a count has none; columns for values."""
    found = answer("`i` | timechart span=1h count BY account", earliest="-4h@h", latest="now")
    assert found.fields == ("_time", "prod", "test", "_span")
    assert [(row["_time"], row["prod"], row["test"]) for row in found.rows] == [
        (1699984800 + 3600 * hour, prod, test)
        for hour, (prod, test) in enumerate([(0, 0), (2, 0), (0, 1), (1, 0), (0, 0)])
    ]
    averages = answer("`i` | timechart span=1h avg(ms)", earliest="-4h@h", latest="now")
    assert [row["avg(ms)"] for row in averages.rows] == [None, 15, 30, None, None]


COMBINED: Mapping[str, list[dict[str, object]]] = {
    "| makeresults | eval a=1 | table a | append [| makeresults | eval b=2 | table b]": [{"a": "1"}, {"b": "2"}],
    "`i` | stats count | appendcols [ search `i` status=queued | stats count AS queued ]": [
        {"count": "4", "queued": "1"}
    ],
    '`i` ms=99 | stats count AS n | where n>0 | appendpipe [ stats count | where count=0 | eval n="-" | table n ]': [
        {"n": "-"}
    ],
    "`i` | stats count BY account | lookup owners name AS account OUTPUT owner": [
        {"account": "prod", "count": "3", "owner": ["ann", "bob"]},
        {"account": "test", "count": "1", "owner": "cid"},
    ],
    "| inputlookup owners where owner!=bob | sort owner | table owner": [{"owner": "ann"}, {"owner": "cid"}],
    "`i` | stats count BY account | join type=left account [| inputlookup one_owner]": [
        {"account": "prod", "count": "3"},
        {"account": "test", "count": "1", "owner": "cid"},
    ],
    "`i` | stats count BY account | join account [| inputlookup one_owner]": [
        {"account": "test", "count": "1", "owner": "cid"}
    ],
    "| savedsearch delivered": [{"count": "2"}],
    "| rest /services/x": [{"asked": "/services/x"}],
    "| ours a=1": [{"said": "a=1"}],
    "| tstats count WHERE index=main BY sourcetype": [{"sourcetype": "t", "count": "4"}],
    "| tstats count where index=main status=queued by _time span=1h": [{"_time": "1699988400", "count": "1"}],
    '| makeresults | eval x="a,b" | makemv delim="," x | mvexpand x | table x': [{"x": "a"}, {"x": "b"}],
    '| makeresults | eval x="user=ann" | rex field=x "user=(?<who>\\w+)" | table who': [{"who": "ann"}],
    '| makeresults | eval x="{\\"a\\": [{\\"b\\": 1}, {\\"b\\": 2}]}" | spath input=x path=a{}.b output=y | table y': [
        {"y": ["1", "2"]}
    ],
    "| makeresults | table _time x | fillnull value=none x | fields - _time": [{"x": "none"}],
    "| makeresults | bin _time span=1d | table _time": [{"_time": "1699920000"}],
    "`i` status=queued | rename status AS state | table state status": [{"state": "queued"}],
}  # fmt: skip


@pytest.mark.parametrize("search", COMBINED)
def test_combining(search: str) -> None:
    """Subsearches, lookups and generating commands bring their rows where they belong."""
    assert rows(search) == COMBINED[search]


def test_the_range_is_known_to_the_search() -> None:
    """Addinfo tells the range, for lookups that have times of their own."""
    (row,) = rows("| makeresults | addinfo | table info_min_time info_max_time", earliest="100", latest="200")
    assert row == {"info_min_time": "100", "info_max_time": "200"}


def _logons() -> list[Row]:
    """Two logons from one address, another event with the same fields, and one of another kind."""
    logon: Row = {
        "index": "main",
        "sourcetype": "linux_secure",
        "tag": ["authentication"],
        "src": "10.0.0.1",
        "_raw": "",
    }
    return [
        {**logon, "_time": NOW - 90, "_indextime": NOW - 60, "user": "ann", "action": "failure"},
        {**logon, "_time": NOW - 30, "_indextime": NOW - 20, "user": "bob", "action": "failure"},
        {**logon, "_time": NOW - 30, "_indextime": NOW - 20, "user": "cid", "action": "success", "session": "7"},
        {**logon, "_time": NOW - 30, "_indextime": NOW - 20, "user": "dan", "action": "failure", "tag": ["web"]},
        {**logon, "_time": NOW - 30, "_indextime": NOW - 20, "user": "eve", "action": "failure", "tag": None},
    ]


MODELLED: Mapping[str, list[dict[str, object]]] = {
    'summariesonly=true count AS n FROM datamodel=Authentication WHERE Authentication.action="failure"': [{"n": "2"}],
    "count FROM datamodel=Authentication WHERE Authentication.action=failure Authentication.user=ann": [{"count": "1"}],
    "values(Authentication.user) AS u latest(_time) AS _time FROM datamodel=Authentication WHERE index=main "
    "BY Authentication.src Authentication.action": [
        {
            "Authentication.src": "10.0.0.1",
            "Authentication.action": "failure",
            "u": ["ann", "bob"],
            "_time": f"{NOW - 30:.0f}",
        },
        {
            "Authentication.src": "10.0.0.1",
            "Authentication.action": "success",
            "u": "cid",
            "_time": f"{NOW - 30:.0f}",
        },
    ],
    "count FROM datamodel=Authentication WHERE Authentication.user=dan": [{"count": "0"}],
    "count FROM datamodel=Authentication WHERE Authentication.user=* BY sourcetype": [
        {"sourcetype": "linux_secure", "count": "3"}
    ],
}


@pytest.mark.parametrize("search", MODELLED)
def test_a_data_model_has_the_events_of_its_tag(search: str) -> None:
    """Tstats over a model counts tagged events alone, under the names that the model gives their fields."""
    answer = evaluate(f"| tstats {search}", Memory(_logons()), now=NOW)
    assert answer.texts() == MODELLED[search]


@pytest.mark.parametrize(
    ("begin", "end", "users"),
    [
        ("", "", "ann bob"),
        ("-60s", "-20s", "ann"),
        ("-59s", "", "bob"),
        ("", "-60s", ""),
        (str(NOW - 20), "now", "bob"),
    ],
)
def test_the_time_of_indexing_bounds_a_search(begin: str, end: str, users: str) -> None:
    """Events that were indexed from the begin on, before the end; in searches, in tstats, and in subsearches."""
    memory = Memory(_logons())
    model = (
        "| tstats values(Authentication.user) AS user FROM datamodel=Authentication WHERE Authentication.action=failure"
    )
    simple = "index=main tag=authentication action=failure | stats values(user) AS user"
    inner = f"| makeresults | append [ search {simple} ] | where isnotnull(user) | table user"
    for search in (model, simple, inner):
        found = evaluate(search, memory, now=NOW, indexed=(begin, end)).texts()
        given = found[0]["user"] if found else []
        assert " ".join([given] if isinstance(given, str) else given) == users


def test_an_event_of_no_known_indexing_is_outside_of_a_window() -> None:
    """Where a window is asked for, an event that does not say when it was indexed is not in it."""
    rows = [{**one, "_indextime": None} for one in _logons()]
    counted = [
        evaluate("index=main | stats count", Memory(rows), now=NOW, indexed=indexed).texts()[0]["count"]
        for indexed in (("", ""), ("-1d", ""), ("", "now"))
    ]
    assert counted == ["5", "0", "0"]


def test_a_chain_works_on_what_the_base_found() -> None:
    """A chain search sees the base's figures only, and none of a base that leaves its fields open."""
    memory = Memory()
    base = evaluate("`i` | stats count BY account", memory, now=NOW)
    assert refine(base, "where count > 1", memory, now=NOW).texts() == [{"account": "prod", "count": "3"}]
    assert refine(base, "| stats count", memory, now=NOW).texts() == [{"count": "2"}]
    assert refine(base, "", memory, now=NOW) is base
    assert refine(evaluate("`i` | fields status", memory, now=NOW), "stats count", memory, now=NOW).rows
    with pytest.raises(Exception, match="base search must end"):
        refine(evaluate("`i`", memory, now=NOW), "stats count", memory, now=NOW)


def test_fields_that_nothing_has() -> None:
    """What a search reads and no row has is told: a name that is misspelt."""
    assert answer("`i` statsu=queued").missing == {"statsu"}
    assert answer("`i` | stats count BY acount | where cnt > 1").missing == {"acount", "cnt"}
    assert answer("`i` | eval a=if(isnull(ms), 0, ms) | stats sum(a) AS s BY status | table status s").missing == set()
