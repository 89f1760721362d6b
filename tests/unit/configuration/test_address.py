"""The address of a SOAR server as people paste it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soarlink.configuration.address import base_url
from soarlink.errors import SettingsError


@pytest.mark.parametrize(
    ("pasted", "url"),
    [
        ("https://soar.example.com", "https://soar.example.com"),
        ("https://soar.example.com/", "https://soar.example.com"),
        ("https://soar.example.com///", "https://soar.example.com"),
        ("  https://soar.example.com/browse \n", "https://soar.example.com"),
        ("https://soar.example.com/mission/12?tab=x#a", "https://soar.example.com"),
        ("https://soar.example.com?next=/", "https://soar.example.com"),
        ("HTTPS://SOAR.example.COM:8443/rest/container", "https://soar.example.com:8443"),
        ("https://soar:443", "https://soar"),
        ("https://soar:9999", "https://soar:9999"),
        ("soar.example.com:8443/", "https://soar.example.com:8443"),
        ("soar_1", "https://soar_1"),
        ("https://10.1.16.117", "https://10.1.16.117"),
        ("https://[2001:DB8::1]:8443/x", "https://[2001:db8::1]:8443"),
    ],
)
def test_what_is_understood(pasted: str, url: str) -> None:
    """Scheme, default port, slashes, paths and blanks are no matter; the port is."""
    assert base_url(pasted) == url


@pytest.mark.parametrize(
    ("pasted", "words"),
    [
        ("http://soar.example.com", "not https"),
        ("ftp://soar.example.com", "not https"),
        ("https://anna:geheim@soar", "user name"),
        ("anna:geheim@soar/x", "user name"),
        ("https://soar:port", "no address"),
        ("https://soar:99999", "no address"),
        ("https://soar:0", "no address"),
        ("https://[::1", "no address"),
        ("https://", "no address"),
        ("https://so ar", "no address"),
        ("http://soar?auth=geheim", "not https"),
    ],
)
def test_what_is_refused(pasted: str, words: str) -> None:
    """Each with its reason and a way out, and without what may be a password."""
    with pytest.raises(SettingsError, match=words) as caught:
        base_url(pasted)
    assert caught.value.remedy
    assert "geheim" not in str(caught.value)


@given(st.text(max_size=40))
def test_whatever_is_pasted(text: str) -> None:
    """An address of https, which is its own address, or a refusal; never another error."""
    try:
        url = base_url(text)
    except SettingsError:
        return
    assert url.startswith("https://")
    assert base_url(url) == url
