"""Files in the vault, attached to containers."""

from __future__ import annotations

import base64
import binascii
import hashlib
import mimetypes
from typing import TYPE_CHECKING

from lab.soar import body as read
from lab.soar.refusal import Refusal, missing, not_found

if TYPE_CHECKING:
    from lab.soar.body import Body
    from lab.soar.call import Call
    from lab.soar.storage import Store


def create(call: Call, body: Body) -> Body:
    """`POST /rest/container_attachment`: base64 content; `metadata` as an object or as JSON text."""
    container = call.existing("container", read.required_integer(body, "container_id"))
    name = read.required_text(body, "file_name")
    encoded = read.optional_text(body, "file_content")
    if encoded is None:
        raise missing("file_content")
    try:
        content = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise Refusal(400, f"Invalid value for file_content: {error}") from error
    metadata = read.mapping_or_text(body, "metadata")
    contains = read.text_list(metadata, "contains")
    sha1 = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    sha256 = hashlib.sha256(content).hexdigest()
    mime_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    document = _document(call.store, content, {"hash": sha1, "sha256": sha256, "mime_type": mime_type})
    values = {
        "name": name,
        "container": container["id"],
        "create_time": call.now(),
        "created_via": "automation" if call.user.by_token else "upload",
        "user": call.user.id,
        "vault_document": document,
        "vault_id": sha1,
        "hash": sha1,
        "size": len(content),
        "mime_type": mime_type,
        "path": f"vault/{sha1[:2]}/{sha1[2:4]}/{sha1}",
        "metadata": {**metadata, "sha1": sha1, "sha256": sha256, "size": len(content), "contains": contains},
        "aka": [name],
        "contains": contains,
    }
    attachment_id = call.store.insert("container_attachment", values)
    shown = {key: values[key] for key in ("container", "size", "created_via", "hash", "vault_id")}
    return {"succeeded": True, "message": "success", "id": attachment_id, **shown}


def _document(store: Store, content: bytes, values: Body) -> int:
    """The vault document with that content; the same bytes are kept once."""
    known = store.find("vault_document", "hash = ?", values["hash"])
    if known:
        return int(known["id"])
    document = store.insert("vault_document", {**values, "size": len(content)})
    store.execute("INSERT INTO vault_content (document, content) VALUES (?, ?)", (document, content))
    return document


def download(store: Store, vault_id: str) -> tuple[bytes, str]:
    """The bytes of a vault document and their media type. Raises Refusal."""
    document = store.find("vault_document", "hash = ?", vault_id)
    if document is None:
        raise not_found()
    rows = store.execute("SELECT content FROM vault_content WHERE document = ?", (document["id"],))
    return bytes(rows[0][0]), str(document["mime_type"])


def delete(call: Call, record_id: int) -> None:
    """`DELETE /rest/container_attachment/<id>`; the content goes with its last attachment."""
    record = call.existing("container_attachment", record_id)
    call.store.delete("container_attachment", "id = ?", (record_id,))
    document = record["vault_document"]
    if not call.store.count("container_attachment", "vault_document = ?", (document,)):
        call.store.execute("DELETE FROM vault_content WHERE document = ?", (document,))
        call.store.delete("vault_document", "id = ?", (document,))
