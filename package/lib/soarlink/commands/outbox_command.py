"""What the outbox commands and the doctor share: arguments, session, messages in plain words."""

from __future__ import annotations

import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from splunklib.searchcommands import GeneratingCommand

from soarlink.errors import SendToSoarError
from soarlink.outbox.collection import Outbox
from soarlink.secret import Secret
from soarlink.splunk.kvstore import KvStore
from soarlink.splunk.session import connect

if TYPE_CHECKING:
    from soarlink.splunk.splunkd import Splunkd

APP = Path(__file__).resolve().parents[3]
"""The add-on's folder: ``lib/soarlink/commands`` is three below it."""


class OutboxCommand(GeneratingCommand, ABC):  # type: ignore[misc] # splunklib has no types
    """A generating command of the outbox; splunkd speaks the chunked protocol with it.

    The words behind the command's name are ours to parse. splunklib's own options stay out of reach: ``record`` would
    write the session key to disk.
    """

    clock = staticmethod(time.time)

    def prepare(self) -> None:
        """Parse the arguments before anything runs (splunklib calls this in the getinfo exchange)."""
        try:
            self.parse(list(self.fieldnames), self.clock())
        except SendToSoarError as error:
            self.fail(error)

    def generate(self) -> Iterator[dict[str, Any]]:
        """Give the records; an error becomes a message of the search."""
        info = self.metadata.searchinfo
        splunkd = connect(str(info.splunkd_uri), Secret(str(info.session_key)), home())
        try:
            yield from self.records(Outbox(KvStore(splunkd)), splunkd)
        except SendToSoarError as error:
            self.fail(error)
        finally:
            splunkd.close()

    @abstractmethod
    def parse(self, words: list[str], now: float) -> None:
        """Read the arguments."""

    @abstractmethod
    def records(self, outbox: Outbox, splunkd: Splunkd) -> Iterator[dict[str, Any]]:
        """Do the work."""

    def fail(self, error: SendToSoarError) -> NoReturn:
        """End the search with what happened and the way out."""
        self.write_error("{}", str(error))
        sys.exit(1)

    def warn(self, text: str) -> None:
        """Tell the user something beside the records."""
        self.write_warning("{}", text)

    def _protocol_v2_option_parser(self, arg: str) -> list[str]:
        return [arg]


def home() -> Path:
    """``$SPLUNK_HOME``."""
    return Path(os.environ["SPLUNK_HOME"])


def run(command: type[OutboxCommand]) -> None:
    """Run a command as splunkd starts it: chunks on standard input and output.

    splunklib would take further arguments of the process for the older protocol, which is not ours.
    """
    command().process(sys.argv[:1], sys.stdin.buffer, sys.stdout.buffer)
