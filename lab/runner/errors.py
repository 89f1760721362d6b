"""What a user of the lab can do something about, said in plain words."""

from __future__ import annotations


class LabError(Exception):
    """The lab can't do what was asked. ``str()`` is one or two sentences: what is wrong, and the way out.

    Args:
        what: what is wrong.
        remedy: what to do about it.
        exit_code: the exit code of the command: 2 for a mistake in what was asked, 1 for anything else.
    """

    def __init__(self, what: str, remedy: str = "", *, exit_code: int = 2) -> None:
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}".rstrip()
