"""SOAR severities for Splunk's words."""

from __future__ import annotations

import pytest

from soarlink.plan import severity


@pytest.mark.parametrize(
    ("value", "level"), [("High", "high"), (" low ", "low"), ("medium", "medium"), ("", "medium"), ("  ", "medium")]
)
def test_what_every_server_knows_is_sent_without_a_note(value: str, level: str) -> None:
    """SOAR's three severities in any case, and nothing at all, are no adjustment."""
    assert severity.fit(value) == (level, "")


@pytest.mark.parametrize(
    ("value", "level"),
    [("critical", "high"), ("FATAL", "high"), ("informational", "low"), ("info", "low"), ("unknown", "medium")],
)
def test_splunks_own_words_have_their_place_and_the_note_says_which(value: str, level: str) -> None:
    """Nothing is raised or lowered silently."""
    assert severity.fit(value) == (level, f'severity "{value}" is none of high, medium, low: sent as {level}')


def test_an_unknown_word_becomes_medium_and_is_noted() -> None:
    """The note names the word and what the server knows."""
    assert severity.fit(" P1 ") == ("medium", 'severity "P1" is none of high, medium, low: sent as medium')


def test_the_servers_own_severities_come_first_in_their_own_spelling() -> None:
    """A server that has a severity of that name gets it as it spells it."""
    assert severity.fit("CRITICAL", ("Critical", "High")) == ("Critical", "")


def test_the_servers_list_does_not_hide_what_every_server_knows() -> None:
    """Default names stay usable even when the server does not list them; the note lists the server's."""
    assert severity.fit("low", ("Critical",)) == ("low", "")
    assert severity.fit("P1", ("Critical", "High")) == (
        "medium",
        'severity "P1" is none of Critical, High: sent as medium',
    )
