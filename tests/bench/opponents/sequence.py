"""One POST for each container and one for its artifact, in sequence over one kept-alive connection."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import requests

asked = json.load(sys.stdin)
containers = json.loads(Path(asked["containers"]).read_bytes())
session = requests.Session()
session.headers.update({"ph-auth-token": asked["token"]})
session.verify = asked["ca"]


def post(path: str, body: dict[str, Any]) -> int:
    """Create one thing and return its id."""
    answer = session.post(asked["url"] + path, json=body, timeout=60).json()
    if not answer.get("success"):
        sys.exit(str(answer))
    return int(answer["id"])


started = time.perf_counter()
for container in containers:
    artifacts = container.pop("artifacts")
    number = post("/rest/container", container)
    for artifact in artifacts:
        post("/rest/artifact", {**artifact, "container_id": number})
sys.stdout.write(str(time.perf_counter() - started))
