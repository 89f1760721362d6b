"""The command line `lab`."""

from lab.cli.main import main

__all__ = ["main"]
