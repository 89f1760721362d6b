"""Classification of what `requests` raises, where no real server brings it about."""

from __future__ import annotations

import ssl

import pytest
import requests
import urllib3.exceptions

from soarlink.wire.failure import ExchangeFailed, from_requests


@pytest.mark.parametrize(
    ("error", "sent", "words"),
    [
        (requests.ReadTimeout("x"), True, "did not answer in time"),
        (requests.exceptions.InvalidURL("x"), False, "can't be made (InvalidURL)"),
        (requests.exceptions.SSLError(ssl.SSLError(1, "bad record mac")), True, "broke before"),
        (requests.exceptions.ChunkedEncodingError("x"), True, "broke before"),
        (
            requests.ConnectionError(urllib3.exceptions.ProtocolError("aborted", ConnectionResetError())),
            True,
            "broke before",
        ),
    ],
)
def test_whatever_is_not_surely_not_sent_may_have_been(
    error: requests.RequestException,
    sent: bool,  # noqa: FBT001 - a column of the table
    words: str,
) -> None:
    """Only what can't have reached the server is not sent."""
    found = from_requests(error, "soar:443")
    assert (found.sent, words in found.what) == (sent, True)


def test_a_chain_that_bites_its_tail_ends() -> None:
    """Exceptions that name each other as cause are walked once."""
    one, two = requests.ConnectionError("one"), OSError("two")
    one.__cause__, two.__cause__ = two, one
    assert isinstance(from_requests(one, "soar:443"), ExchangeFailed)
