"""The stand-in SOAR on its own, while other lab commands come and go."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from lab.runner.errors import LabError
from lab.runner.lab import Lab
from lab.runner.servers import StandInHost

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def serve_soar(state: Path, *, python: Path | None = None) -> Iterator[StandInHost]:
    """Run the stand-in SOAR of a state folder, with the add-on's account for it set up.

    Args:
        state: the state folder.
        python: the interpreter that runs the add-on.

    Raises:
        LabError: it is running already.
    """
    with Lab(state, python=python) as lab:
        # Sets up the account. The SOAR that it started ends with it; the next one has the same address and users.
        folder = lab.state
    with StandInHost(folder) as host:
        if host.stand_in is None:
            raise LabError(f"The stand-in SOAR of {state} is running already, at {host.url}.")
        yield host
