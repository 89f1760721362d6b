"""Payloads: exact round trip, cut into documents, other formats and damage told."""

from __future__ import annotations

import base64
import enum
import json
import zlib
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soarlink.body import EncodedBody, encoded
from soarlink.errors import OutboxError
from soarlink.outbox import payload as module
from soarlink.outbox import typed_json
from soarlink.outbox.payload import Payload, pack, pack_ledger, unpack, unpack_ledger
from soarlink.plan import shipment
from soarlink.plan.run import AlertRun
from soarlink.plan.shipment import PlaybookCall, RowAccount, Shipment
from soarlink.secret import Secret
from tests.unit.outbox.samples import payload

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | st.binary(max_size=5)
)
KEYS = st.text(max_size=5) | st.sampled_from(["$tuple", "$object", "$pairs", "$enum", "$bytes", "$"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(KEYS | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)
BODIES = st.dictionaries(st.text(max_size=5), VALUES, max_size=3)
ROWS = st.builds(
    RowAccount,
    *[st.integers(0, 9)] + [st.text(max_size=4)] * 3 + [st.integers(0, 9)] * 3,
    dropped=st.lists(st.text(max_size=3), max_size=2).map(tuple),
)
SHIPMENTS = st.builds(
    Shipment,
    identity=st.text(max_size=5),
    container=BODIES,
    artifacts=st.lists(BODIES, max_size=2).map(tuple),
    owners=st.lists(st.integers(0, 9), max_size=2).map(tuple),
    rows=st.lists(ROWS, max_size=2).map(tuple),
    playbooks=st.lists(st.builds(PlaybookCall, st.text(max_size=3)), max_size=2).map(tuple),
)


class Colour(enum.Enum):
    """As a policy of the plan might be."""

    RED = 1


@dataclass(frozen=True)
class Foreign:
    """No class of the add-on."""

    x: int = 1


def same(left: object, right: object) -> bool:
    """Equal in value and in type, all the way down."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        assert isinstance(right, dict)
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, (list, tuple)):
        assert isinstance(right, (list, tuple))
        return len(left) == len(right) and all(map(same, left, right))
    return repr(left) == repr(right)


@given(VALUES)
def test_any_value_comes_back_exactly(value: object) -> None:
    """Tuples, bytes and mappings with keys of every kind included."""
    assert same(typed_json.loads(json.dumps(typed_json.encode(value))), value)


@settings(max_examples=50)
@given(st.lists(SHIPMENTS, max_size=3).map(tuple), st.lists(BODIES, max_size=2).map(tuple))
def test_a_payload_comes_back_exactly(shipments: tuple[Shipment, ...], ledger: tuple[dict[str, object], ...]) -> None:
    """Run, shipments and ledger; equal payloads have equal ids."""
    original = Payload(AlertRun("a", "s", scheduled=True), shipments, ledger)
    packed = pack(original)
    found = unpack(packed.chunks)
    assert found == original
    assert same(typed_json.encode(list(found.shipments)), typed_json.encode(list(shipments)))
    assert pack(found) == packed


@given(BODIES)
def test_an_encoded_body_stays_as_it_is(body: dict[str, object]) -> None:
    """To the byte, odd letters included: it is sent as it was planned."""
    before = encoded(
        {**json.loads(json.dumps(body, default=str, skipkeys=True)), "half": "\ud800", "odd": "\u2028\x00é"}
    )
    after = typed_json.loads(json.dumps(typed_json.encode([before])))[0]
    assert isinstance(after, EncodedBody)
    assert after.encoded == before.encoded
    assert dict(after) == dict(before)


def test_an_enum_of_the_add_on_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """By name, so that its values may change; a member that is gone is told."""
    monkeypatch.setattr(Colour, "__module__", "soarlink.plan.shipment")
    monkeypatch.setattr(shipment, "Colour", Colour, raising=False)
    stored = json.dumps(typed_json.encode([Colour.RED]))
    assert typed_json.loads(stored) == [Colour.RED]
    with pytest.raises(OutboxError, match=r"Colour\.BLUE"):
        typed_json.loads('{"$enum": ["soarlink.plan.shipment:Colour", "BLUE"]}')


def test_a_large_payload_is_cut_into_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    """No chunk is longer than the bound, and together they are the payload."""
    monkeypatch.setattr(module, "CHUNK", 200)
    packed = pack(payload("a", "x" * 10, parts=40))
    assert len(packed.chunks) > 2
    assert {len(chunk) for chunk in packed.chunks[:-1]} == {200}
    assert packed.size == sum(map(len, packed.chunks))
    assert unpack(packed.chunks) == payload("a", "x" * 10, parts=40)


def test_the_bound_is_below_what_a_document_may_hold() -> None:
    """16 MB is the database's own bound; base64 must not be cut inside a group of four."""
    assert module.CHUNK <= 8 * 1024 * 1024
    assert module.CHUNK % 4 == 0


def test_a_ledger_comes_back() -> None:
    """Alone, as it is noted beside its payload."""
    lines = ({"t": "sent", "part": 0, "cid": 7}, {"t": "run", "id": None})
    assert unpack_ledger(pack_ledger(lines)) == lines


@pytest.mark.parametrize("version", [2, None, "1"])
def test_another_format_is_an_error_that_says_so(version: object) -> None:
    """Nothing is guessed."""
    with pytest.raises(OutboxError, match=rf"format {version}, this add-on reads format 1.*every search head"):
        unpack(pack(payload("a")).chunks, version)
    with pytest.raises(OutboxError, match="reads format 1"):
        unpack_ledger(pack_ledger(()), version)


@pytest.mark.parametrize(
    "text",
    ["", "!", "AAAA", base64.b64encode(zlib.compress(b"{}")).decode(), base64.b64encode(zlib.compress(b"[")).decode()],
)
def test_damage_is_told(text: str) -> None:
    """With what to do."""
    with pytest.raises(OutboxError, match="damaged"):
        unpack([text])
    if text != base64.b64encode(zlib.compress(b"{}")).decode():
        with pytest.raises(OutboxError, match="can't be read"):
            unpack_ledger(text)


@pytest.mark.parametrize("value", [Secret("geheim"), {"a": [Secret("geheim")]}, object(), {1, 2}, Foreign(), Shipment])
def test_what_must_not_be_stored_is_refused(value: object) -> None:
    """A secret above all; and nothing that could not be read back."""
    with pytest.raises(TypeError, match="no place in a stored payload") as caught:
        typed_json.encode(value)
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        {"$object": "soarlink.plan.shipment:Absent"},
        {"$object": "soarlink.absent:X"},
        {"$object": "os:system"},
        {"$object": "soarlink.plan.shipment:Shipment", "new_field": 1},
        {"$object": "soarlink.outbox.typed_json:encode"},
        {"$object": "soarlink.secret:Secret"},
        {"$enum": ["soarlink.secret:Secret", "X"]},
        {"$enum": ["http:HTTPStatus", "OK"]},
    ],
)
def test_what_this_version_does_not_have_is_told(value: object) -> None:
    """Classes and fields of a newer version; and nothing outside of the add-on is ever looked up."""
    with pytest.raises(OutboxError, match="does not know"):
        typed_json.loads(json.dumps(value))
