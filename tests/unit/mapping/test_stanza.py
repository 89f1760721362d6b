"""A wrong rule is an error that names the stanza and the key; a right one is read as it stands."""

from __future__ import annotations

import pytest

from soarlink.errors import MappingError
from soarlink.mapping import shipped
from soarlink.mapping.compile import compile_rules, overlay
from soarlink.mapping.rule import Branch
from soarlink.mapping.shipped_rules import STANZAS

_GOOD = {"order": "10", "fields": "dest, *_dest", "to": "ip: destinationAddress"}


@pytest.mark.parametrize(
    ("key", "change", "says"),
    [
        ("ordr", {"ordr": "1"}, "no key"),
        ("order", {"order": ""}, "missing"),
        ("order", {"order": "ten"}, "whole number"),
        ("order", {"order": "-1"}, "whole number"),
        ("fields", {"fields": " , "}, "missing"),
        ("fields", {"fields": "dest, dest"}, "twice"),
        ("fields", {"fields": "a**b"}, "two stars"),
        ("mode", {"mode": "move"}, "unknown"),
        ("to", {"to": ""}, "missing"),
        ("to", {"to": "ipv5: destinationAddress"}, "unknown"),
        ("to", {"to": "ip: a, ip: b"}, "never apply"),
        ("to", {"to": "a, ip: b"}, "never apply"),
        ("to", {"to": "ip: a |"}, "missing"),
        ("to", {"to": "ip: a: b"}, "can't be read"),
        ("to", {"to": "ip: a (ip"}, "can't be read"),
        ("to", {"to": "ip: a (address)"}, "unknown"),
        ("to", {"to": "ip: x{1}"}, "star"),
        ("to", {"fields": "*_dest", "to": "ip: x{2}"}, "star"),
        ("to", {"to": "ip: a | {0}"}, "alternatives"),
        ("to", {"mode": "copy", "to": "{0}"}, "no copy"),
        ("types", {"types": "ipaddress"}, "unknown"),
        ("types", {"types": "custom:"}, "unknown"),
        ("transform", {"transform": "rot13"}, "unknown"),
        ("transform", {"transform": "split:"}, "unknown"),
        ("transform", {"transform": "url_host"}, "copy"),
        ("values", {"values": "all"}, "no way"),
        ("values", {"values": "first:2"}, "only join"),
        ("values", {"values": "join:"}, "missing"),
        ("partners", {"values": "zip"}, "missing"),
        ("partners", {"partners": "user"}, "without values = zip"),
        ("partners", {"values": "zip", "partners": "user*"}, "plain"),
        ("reason", {"reason": "because"}, "no meaning"),
        ("reason", {"mode": "drop", "to": ""}, "missing"),
        ("to", {"mode": "drop", "reason": "x"}, "no meaning"),
        ("types", {"mode": "drop", "reason": "x", "to": "", "types": "ip"}, "no meaning"),
        ("values", {"mode": "copy", "values": "list"}, "no meaning"),
        ("when_field", {"when_field": "=x"}, "can't be read"),
        ("when_field", {"when_field": "a*"}, "can't be read"),
        ("when_field", {"when_field": "!"}, "can't be read"),
        ("when_field", {"when_field": "!a=b"}, "can't be read"),
        ("when_field", {"when_field": "a=b||c"}, "can't be read"),
        ("when_sourcetype", {"when_sourcetype": "x**"}, "two stars"),
        ("disabled", {"disabled": "maybe"}, "neither"),
    ],
)
def test_a_wrong_key_is_named(key: str, change: dict[str, str], says: str) -> None:
    """Stanza, key and what is wrong are in the error, and in its text."""
    with pytest.raises(MappingError) as caught:
        compile_rules({"mine": {**_GOOD, **change}})
    assert (caught.value.stanza, caught.value.key) == ("mine", key)
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"[mine] {key}: ")


def test_two_rules_of_one_order_are_an_error() -> None:
    """Which of two rules comes first is never left to chance."""
    with pytest.raises(MappingError, match=r"\[b\] order: 10 is that of \[a\] too"):
        compile_rules({"a": _GOOD, "b": _GOOD})


def test_a_rule_is_read_as_it_stands() -> None:
    """Every key of the grammar arrives in the compiled rule."""
    (rule,) = compile_rules(
        {
            "mine": {
                "description": "what it is for",
                "order": "7",
                "fields": "*_dest",
                "to": "ip: {1}Address | other, host: {0} (host name + custom:asset), text",
                "values": "zip",
                "partners": "user, src",
                "transform": "trim split:; lower",
                "when_data_model": "Web, Network_*",
                "when_sourcetype": "a:*",
                "when_search_name": "Threat - *",
                "when_app": "x",
                "when_field": "a, b=c|d*",
                "disabled": "0",
                "eai:acl": "",
            }
        }
    ).rules
    assert rule.branches == (
        Branch("ip", ("{1}Address", "other"), ("ip",)),
        Branch("host", ("{0}",), ("host name", "asset")),
        Branch("", ("text",), ()),
    )
    assert rule.transforms == ("trim", "split:;", "lower")
    assert (rule.values, rule.partners) == ("zip", ("user", "src"))
    assert rule.when_field == (("a", ()), ("b", ("c", "d*")))
    assert (rule.when_data_model, rule.when_sourcetype) == (("Web", "Network_*"), ("a:*",))
    assert (rule.when_search_name, rule.when_app) == (("Threat - *",), ("x",))


def test_types_of_the_rule_hold_for_parts_without_their_own() -> None:
    """``types`` replaces what a kind implies, brackets replace ``types``, ``none`` takes all types away."""
    (rule,) = compile_rules({"a": {**_GOOD, "to": "ip: a, host: b (url), c", "types": "domain"}}).rules
    assert [branch.types for branch in rule.branches] == [("domain",), ("url",), ("domain",)]
    (rule,) = compile_rules({"a": {**_GOOD, "types": "none"}}).rules
    assert rule.branches[0].types == ()


def test_local_overrides_single_keys_and_switches_rules_off() -> None:
    """One key of ours is replaced, the others stay; ``disabled = 1`` removes a rule, broken or not."""
    ours = {"a": _GOOD, "b": {**_GOOD, "order": "11"}}
    merged = overlay(
        ours, {"a": {"to": "host: x"}, "b": {"disabled": "1", "order": "nonsense"}, "c": {**_GOOD, "order": "1"}}
    )
    rules = compile_rules(merged).rules
    assert [rule.stanza for rule in rules] == ["c", "a"]
    assert rules[1].branches[0].targets == ("x",)
    assert rules[1].fields == ("dest", "*_dest")
    assert ours["a"] is _GOOD


def test_local_over_shipped_is_what_compiling_everything_gives() -> None:
    """Only the stanzas of ``local`` are parsed at run time, and the result is the same as a full compilation."""
    local = {"dest": {"to": "ip: dst"}, "user": {"disabled": "true"}, "mine": {**_GOOD, "order": "1"}}
    assert shipped.load(local).digest == compile_rules(overlay(STANZAS, local)).digest
    assert shipped.load(local).digest != shipped.load().digest
    assert shipped.load({}).digest == shipped.load().digest


def test_local_errors_are_found_at_run_time() -> None:
    """A bad key of a shipped rule, or an order that a shipped rule has, stops everything."""
    with pytest.raises(MappingError, match=r"\[dest\] to: "):
        shipped.load({"dest": {"to": "nonsense: x"}})
    order = str(shipped.load().rules[3].order)
    with pytest.raises(MappingError, match="order"):
        shipped.load({"zzz": {**_GOOD, "order": order}})


def test_the_digest_does_not_depend_on_the_order_of_dictionaries() -> None:
    """The same rules have the same digest, however they were written down; another rule has another."""
    one = {"a": _GOOD, "b": {**_GOOD, "order": "11"}}
    other = {"b": dict(reversed(list(one["b"].items()))), "a": dict(reversed(list(_GOOD.items())))}
    assert compile_rules(one).digest == compile_rules(other).digest
    assert len(compile_rules(one).digest) == 64
    assert compile_rules({"a": _GOOD}).digest != compile_rules({"a": {**_GOOD, "order": "12"}}).digest
