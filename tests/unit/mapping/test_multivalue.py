"""Several values are delivered as the rule or the action says: nothing padded, nothing cut silently."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from soarlink.mapping.artifact import MappedRow
from soarlink.mapping.compile import compile_rules
from soarlink.mapping.compiled import MappingOptions, SearchContext
from soarlink.mapping.multivalue import Treatment, parse_multivalue
from soarlink.rows.row import Row, Value

_RULES = {
    "dest": {"order": "10", "fields": "dest", "to": "ip: destinationAddress, host: destinationHostName"},
    "user": {"order": "20", "fields": "user", "to": "user: destinationUserName"},
    "port": {"order": "30", "fields": "port", "to": "port: destinationPort"},
    "rest": {"order": "99", "fields": "*", "to": "{0}"},
}


def _map(
    fields: Mapping[str, Value], multivalue: str = "list", names: str = "cef", **rules: dict[str, str] | None
) -> MappedRow:
    stanzas = {name: {**settings, **(rules.get(name) or {})} for name, settings in _RULES.items()}
    mapper = compile_rules(stanzas).bind(tuple(fields), SearchContext(""), MappingOptions(names, multivalue))
    row = Row("0", 0, fields)
    mapped = mapper.map(row)
    assert mapper.explain(row)[0] == mapped
    return mapped


def _cefs(mapped: MappedRow) -> list[dict[str, Value]]:
    return [dict(artifact.cef) for artifact in mapped.artifacts]


def test_values_of_one_field_go_where_each_belongs() -> None:
    """Addresses and names of one field go to different CEF fields, each with one type; what fits nowhere stays."""
    mapped = _map({"dest": ("10.0.0.1", "ws01", "2001:db8::1", "a b")})
    (artifact,) = mapped.artifacts
    assert artifact.cef == {
        "destinationAddress": ("10.0.0.1", "2001:db8::1"),
        "destinationHostName": "ws01",
        "dest": "a b",
    }
    assert artifact.cef_types == {"destinationAddress": ("ip",), "destinationHostName": ("host name",)}
    assert mapped.mapped == ("dest",)


def test_beside_the_cef_names_the_original_has_all_values() -> None:
    """With ``both`` the original field is complete, and untyped when its values are of several types."""
    (artifact,) = _map({"dest": ("10.0.0.1", "ws01"), "user": ("a", "b")}, names="both").artifacts
    assert artifact.cef["dest"] == ("10.0.0.1", "ws01")
    assert artifact.cef["user"] == ("a", "b")
    assert "dest" not in artifact.cef_types
    assert artifact.cef_types["user"] == ("user name",)


def test_first_is_counted() -> None:
    """``first`` delivers one value and says how many there were."""
    mapped = _map({"user": ("a", "b", "c"), "x": "1"}, "first")
    assert _cefs(mapped) == [{"destinationUserName": "a", "x": "1"}]
    assert [note for note in mapped.notes if "user" in note and "3 values" in note]


@pytest.mark.parametrize(
    ("text", "joined"), [("join", "a, b"), ("join:;", "a;b"), ("join:\\n", "a\nb"), ("join: | ", "a | b")]
)
def test_join_is_one_text_without_a_type(text: str, joined: str) -> None:
    """A joined text is all values, and no longer a user name."""
    (artifact,) = _map({"user": ("a", "b")}, text).artifacts
    assert (artifact.cef, artifact.cef_types) == ({"destinationUserName": joined}, {})


def test_join_of_one_value_keeps_its_type() -> None:
    """A field that has one value is not changed by any treatment."""
    (artifact,) = _map({"user": "a"}, "join").artifacts
    assert artifact.cef_types == {"destinationUserName": ("user name",)}


def test_each_makes_one_artifact_per_value() -> None:
    """``each`` in a rule: one artifact per value, all other fields in each of them."""
    mapped = _map({"dest": ("10.0.0.1", "ws01"), "user": ("a", "b"), "port": "443"}, dest={"values": "each"})
    common = {"destinationUserName": ("a", "b"), "destinationPort": "443"}
    assert _cefs(mapped) == [{"destinationAddress": "10.0.0.1", **common}, {"destinationHostName": "ws01", **common}]
    assert mapped.notes == ()


def test_each_of_several_fields_invents_no_pairs() -> None:
    """Every value has an artifact of its own; no artifact holds values of two fields that nobody paired."""
    mapped = _map({"dest": ("10.0.0.1", "10.0.0.2"), "user": ("a", "b", "c"), "port": "443"}, "each")
    assert _cefs(mapped) == [
        {"destinationAddress": "10.0.0.1", "destinationPort": "443"},
        {"destinationAddress": "10.0.0.2", "destinationPort": "443"},
        {"destinationUserName": "a", "destinationPort": "443"},
        {"destinationUserName": "b", "destinationPort": "443"},
        {"destinationUserName": "c", "destinationPort": "443"},
    ]
    assert any("dest" in note and "user" in note for note in mapped.notes)


def test_zip_pairs_by_position() -> None:
    """Zipped fields share artifacts by position; other fields are in each."""
    mapped = _map(
        {"dest": ("10.0.0.1", "10.0.0.2"), "user": ("a", "b"), "port": ("1", "2", "3")},
        dest={"values": "zip", "partners": "user"},
    )
    ports = {"destinationPort": ("1", "2", "3")}
    assert _cefs(mapped) == [
        {"destinationAddress": "10.0.0.1", "destinationUserName": "a", **ports},
        {"destinationAddress": "10.0.0.2", "destinationUserName": "b", **ports},
    ]


@pytest.mark.parametrize("users", [("a", "b", "c"), ("a",), "a"])
def test_zip_of_unequal_lengths_falls_back_to_lists(users: Value) -> None:
    """Nothing is padded: the rule falls back to lists and a note names it and the numbers."""
    mapped = _map({"dest": ("10.0.0.1", "10.0.0.2"), "user": users}, "each", dest={"values": "zip", "partners": "user"})
    (artifact,) = mapped.artifacts
    assert artifact.cef["destinationAddress"] == ("10.0.0.1", "10.0.0.2")
    (note,) = mapped.notes
    assert "[dest]" in note
    assert "dest 2" in note


def test_zip_of_single_values_is_one_artifact() -> None:
    """One value each is nothing to zip, and nothing to say."""
    mapped = _map({"dest": "10.0.0.1", "user": "a"}, dest={"values": "zip", "partners": "user, port"})
    assert len(mapped.artifacts) == 1
    assert mapped.notes == ()


def test_a_partner_is_in_one_zip_only() -> None:
    """Two rules that want the same partner: the first by order has it, the other says so and is a list."""
    zips = {"values": "zip", "partners": "port"}
    mapped = _map({"dest": ("10.0.0.1", "10.0.0.2"), "user": ("a", "b"), "port": ("1", "2")}, dest=zips, user=zips)
    assert [artifact.cef["destinationPort"] for artifact in mapped.artifacts] == ["1", "2"]
    assert all(artifact.cef["destinationUserName"] == ("a", "b") for artifact in mapped.artifacts)
    assert any("[user]" in note for note in mapped.notes)


def test_two_thousand_values_arrive() -> None:
    """Thousands of values are neither cut nor reordered."""
    users = tuple(f"u{number}" for number in range(2000))
    assert _cefs(_map({"user": users})) == [{"destinationUserName": users}]
    assert len(_map({"user": users}, "each").artifacts) == 2000


@pytest.mark.parametrize(
    ("text", "treatment"),
    [
        ("list", Treatment("list")),
        ("join", Treatment("join")),
        ("join:,", Treatment("join", ",")),
        ("join:\\t", Treatment("join", "\t")),
    ],
)
def test_the_grammar_of_treatments(text: str, treatment: Treatment) -> None:
    """What is allowed is read."""
    assert parse_multivalue(text) == treatment


@pytest.mark.parametrize("text", ["", "lists", "join:", "each:2", "zip", "list:x"])
def test_what_is_no_treatment_is_refused(text: str) -> None:
    """What is not allowed is an error that says what is."""
    with pytest.raises(ValueError, match="Allowed are"):
        parse_multivalue(text)


def test_options_are_closed() -> None:
    """A wrong choice of field names, or treatment, is refused in plain words."""
    with pytest.raises(ValueError, match="Allowed are both, cef, original"):
        MappingOptions("cim")
    with pytest.raises(ValueError, match="no way to deliver"):
        compile_rules({}).bind((), SearchContext(""), MappingOptions("both", "all"))


def test_mapped_wins_over_kept_between_artifacts() -> None:
    """A field that found its CEF name in one artifact and not in another counts as mapped, once."""
    mapped: tuple[str, ...] = _map({"dest": ("10.0.0.1", "a b")}, "each").mapped
    assert mapped == ("dest",)
    assert _map({"dest": ("10.0.0.1", "a b")}, "each").kept == ()


def test_partners_may_name_each_other() -> None:
    """Two rules that zip the same fields with each other are one zip."""
    zips = {"values": "zip", "partners": "user"}
    mapped = _map({"dest": ("10.0.0.1", "10.0.0.2"), "user": ("a", "b")}, dest=zips, user={**zips, "partners": "dest"})
    assert len(mapped.artifacts) == 2
    assert mapped.notes == ()
