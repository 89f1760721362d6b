"""Handler processes: started when first needed, kept alive, one request at a time."""

from __future__ import annotations

import json
import os
import select
import subprocess
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.splunkd.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# What a handler may take before splunkd gives up on it.
TIMEOUT_SECONDS = 60.0
_STOP_SECONDS = 5.0
_CHUNK = 65536


@dataclass(frozen=True)
class Interpreter:
    """How handlers are run.

    Args:
        python: the interpreter.
        environment: the whole environment of the process.
        log: file that takes what handlers write to standard error.
    """

    python: Path
    environment: Mapping[str, str]
    log: Path


class Worker:
    """One process that answers JSON lines.

    Args:
        interpreter: how to run it.
        arguments: script and arguments.
    """

    def __init__(self, interpreter: Interpreter, arguments: Sequence[str]) -> None:
        self._interpreter = interpreter
        self._arguments = list(arguments)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request and return the answer.

        Raises:
            Refused: 500 when the process dies or does not answer in time; the next request starts a new one.
        """
        with self._lock:
            process = self._running()
            try:
                line = self._exchange(process, json.dumps(request).encode() + b"\n")
                answer: dict[str, Any] = json.loads(line)
            except (OSError, ValueError, TimeoutError) as error:
                self._end()
                raise Refused(500, f"The handler process failed: {type(error).__name__}. See python.log.") from error
            return answer

    def stop(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            with self._interpreter.log.open("ab") as log:
                self._process = subprocess.Popen(
                    [str(self._interpreter.python), *self._arguments],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    env=dict(self._interpreter.environment),
                )
        return self._process

    @staticmethod
    def _exchange(process: subprocess.Popen[bytes], line: bytes) -> bytes:
        if process.stdin is None or process.stdout is None:
            raise BrokenPipeError
        process.stdin.write(line)
        process.stdin.flush()
        answer = b""
        while not answer.endswith(b"\n"):
            ready, _, _ = select.select([process.stdout], [], [], TIMEOUT_SECONDS)
            if not ready:
                raise TimeoutError
            chunk = os.read(process.stdout.fileno(), _CHUNK)
            if not chunk:
                raise BrokenPipeError
            answer += chunk
        return answer

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                _close(stream)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _close(stream: Any) -> None:
    try:
        stream.close()
    except OSError:
        # The process is gone with bytes for it still in the buffer.
        return
