"""What a row of the outbox needs to be sent: all shipments of one container, and how far they got.

Stored as lines of JSON, compressed, in base64, cut into documents well below the KV store's 16 MB.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from soarlink.errors import OutboxError
from soarlink.outbox import typed_json
from soarlink.plan.run import AlertRun
from soarlink.plan.shipment import Shipment

FORMAT = 1
CHUNK = 4 * 1024 * 1024
"""Characters of base64 in one document; a multiple of 4."""

_LEVEL = 6


@dataclass(frozen=True)
class Payload:
    """A container on its way.

    Args:
        run: the alert run that it comes from.
        shipments: its parts, in order.
        ledger: what is known of the delivery so far: lines of JSON objects, oldest first.
    """

    run: AlertRun
    shipments: Sequence[Shipment]
    ledger: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Packed:
    """A payload as it is stored. ``id`` names the content: equal payloads have equal ids."""

    id: str
    chunks: tuple[str, ...]

    @property
    def size(self) -> int:
        """Characters of all chunks."""
        return sum(len(chunk) for chunk in self.chunks)


def pack(payload: Payload) -> Packed:
    """Prepare a payload for storage.

    Raises:
        TypeError: it holds what must not be stored, such as a secret.
    """
    data = _compress(_lines(payload))
    text = base64.b64encode(data).decode("ascii")
    chunks = tuple(text[at : at + CHUNK] for at in range(0, len(text), CHUNK))
    return Packed(hashlib.sha256(data).hexdigest()[:16], chunks)


def unpack(chunks: Sequence[str], version: Any = FORMAT) -> Payload:
    """Read a payload back.

    Args:
        chunks: its chunks in order.
        version: the format that they are stored with.

    Raises:
        OutboxError: another format, or damaged.
    """
    check_format(version)
    try:
        head, *rest = zlib.decompress(base64.b64decode("".join(chunks), validate=True)).split(b"\n")
        header = typed_json.loads(head)
        shipments = tuple(typed_json.loads(line) for line in rest if line)
        return Payload(header["run"], shipments, tuple(header["ledger"]))
    except (binascii.Error, zlib.error, ValueError, LookupError, TypeError):
        raise OutboxError(
            "The stored payload is damaged.", "Discard the item, and send the results again from the search."
        ) from None


def pack_ledger(lines: Sequence[Mapping[str, Any]]) -> str:
    """A ledger that is stored beside its payload."""
    data = json.dumps([typed_json.encode(line) for line in lines], ensure_ascii=True).encode("ascii")
    return base64.b64encode(zlib.compress(data, _LEVEL)).decode("ascii")


def unpack_ledger(text: str, version: Any = FORMAT) -> tuple[Mapping[str, Any], ...]:
    """Read a ledger back.

    Raises:
        OutboxError: another format, or damaged.
    """
    check_format(version)
    try:
        return tuple(typed_json.loads(zlib.decompress(base64.b64decode(text, validate=True))))
    except (binascii.Error, zlib.error, ValueError, TypeError):
        raise OutboxError(
            "What is known of an earlier delivery attempt can't be read.",
            "Look in SOAR for what is there already, then resend or discard the item.",
        ) from None


def check_format(version: Any) -> None:
    """Refuse any other format than ours.

    Raises:
        OutboxError: says both.
    """
    if version != FORMAT:
        raise OutboxError(
            f"The stored payload has format {version}, this add-on reads format {FORMAT}.",
            "Run the version of the add-on that wrote it on every search head.",
        )


def _lines(payload: Payload) -> Iterator[bytes]:
    head = {"run": payload.run, "ledger": [dict(line) for line in payload.ledger]}
    for value in (head, *payload.shipments):
        text = json.dumps(typed_json.encode(value), ensure_ascii=True, separators=(",", ":"))
        yield text.encode("ascii") + b"\n"


def _compress(lines: Iterator[bytes]) -> bytes:
    packer = zlib.compressobj(_LEVEL)
    return b"".join([*(packer.compress(line) for line in lines), packer.flush()])
