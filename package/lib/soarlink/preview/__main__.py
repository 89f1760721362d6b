"""Started by ``lab preview`` and ``lab map`` with the interpreter that the user chose."""

from __future__ import annotations

import sys

from soarlink.preview.entry import main

if __name__ == "__main__":
    sys.exit(main(sys.stdin.buffer, sys.stdout.buffer))
