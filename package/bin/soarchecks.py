"""Search command "soarchecks": splunkd starts it and speaks the chunked protocol on standard input and output."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

from soarlink.commands.doctor import ChecksCommand
from soarlink.commands.outbox_command import run

if __name__ == "__main__":
    run(ChecksCommand)
