"""The exception tree, and texts that never show."""

from __future__ import annotations

import traceback

import pytest

from soarlink import errors
from soarlink.secret import Secret


def test_an_error_reads_as_what_happened_and_what_to_do() -> None:
    """The text is one readable line; a missing way out leaves no blank."""
    assert str(errors.PayloadError("It broke.", "Mend it.")) == "It broke. Mend it."
    assert str(errors.PayloadError("It broke.")) == "It broke."


def test_every_leaf_of_soars_errors_keeps_its_status() -> None:
    """Status and retry time are there for whoever decides."""
    for kind in (errors.NotSent, errors.MaybeSent, errors.Refused, errors.AuthFailed, errors.ServerFault):
        assert kind("x", status=500).status == 500
        assert issubclass(kind, errors.SoarError)
    assert errors.Throttled("x", status=429, retry_after=3.0).retry_after == 3.0
    assert errors.SplunkdError("x", status=403).status == 403


def test_parameter_and_mapping_errors_name_the_place() -> None:
    """Problems are listed; a mapping error names stanza and key."""
    error = errors.ParameterError(["One.", "Two."])
    assert error.problems == ("One.", "Two.")
    assert str(error).startswith("One. Two. Correct")
    assert str(errors.MappingError("s", "k", "bad")) == "[s] k: bad"
    assert str(errors.MappingError("s", "", "bad", "Mend it.")) == "[s]: bad Mend it."


def test_a_secret_never_shows() -> None:
    """Not in repr, str, formatting or a traceback."""
    secret = Secret("geheim")

    def fail() -> None:
        raise errors.SettingsError(f"{secret} {secret!r} {[secret]}")

    with pytest.raises(errors.SettingsError) as caught:
        fail()
    assert "geheim" not in "".join(traceback.format_exception(errors.SettingsError, caught.value, None))
    assert "geheim" not in f"{secret}{secret!s}{secret!r}"
    assert secret.reveal() == "geheim"
    assert secret
    assert not Secret("")
