"""Users and roles from splunkd's answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from soarlink.errors import SplunkdError
from soarlink.splunk import users
from soarlink.splunk.users import User


def answering(status: int, document: Any) -> users.Get:
    """A splunkd that answers everything so."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return lambda _path: (status, body)


def test_a_user_is_who_splunkd_says() -> None:
    """By session or by name, with roles and capabilities; a listed user is named by the entry."""
    content = {"username": "ann", "roles": ["soc"], "capabilities": ["search"]}
    ann = User("ann", frozenset({"soc"}), frozenset({"search"}))
    assert users.current(answering(200, {"entry": [{"name": "context", "content": content}]})) == ann
    del content["username"]
    assert users.named(answering(200, {"entry": [{"name": "ann", "content": content}]}), "Ann") == ann


def test_the_name_is_one_segment_of_the_path() -> None:
    """Whatever is in it."""
    asked = []

    def get(path: str) -> tuple[int, bytes]:
        asked.append(path)
        return 404, b"{}"

    with pytest.raises(SplunkdError) as caught:
        users.named(get, "a/b?c&d")
    assert asked == ["/services/authentication/users/a%2Fb%3Fc%26d?output_mode=json"]
    assert caught.value.status == 404


def test_another_users_rights_are_not_taken() -> None:
    """An empty name lists all users: the first one is not who was meant."""
    listed = {"entry": [{"name": "admin", "content": {"roles": ["admin"], "capabilities": ["all"]}}]}
    for name in ("", "ann", ".."):
        with pytest.raises(SplunkdError, match="knows no user") as caught:
            users.named(answering(200, listed), name)
        assert caught.value.status == 404


@pytest.mark.parametrize("name", ["nobody", "splunk-system-user"])
def test_splunkd_itself_is_not_asked_for(name: str) -> None:
    """It is no user of the list."""

    def get(_path: str) -> tuple[int, bytes]:
        raise AssertionError

    assert users.named(get, name).is_system


@pytest.mark.parametrize(
    "document", [b"", b"[]", {}, {"entry": []}, {"entry": [{"name": "a", "content": {}}]}, {"entry": ["x"]}]
)
def test_what_is_no_answer_is_an_error(document: Any) -> None:
    """Nobody is guessed."""
    with pytest.raises(SplunkdError, match="HTTP 200"):
        users.current(answering(200, document))


@pytest.mark.parametrize("document", [b"", b"[]", {}, {"entry": ["x"]}, {"entry": [{"name": "a"}]}])
def test_what_is_no_list_of_roles_is_an_error(document: Any) -> None:
    """No role is taken to import nothing because splunkd is busy."""
    with pytest.raises(SplunkdError, match=r"does not list its roles \(HTTP 503\)"):
        users.with_imported(answering(503, document), ["a"])


def test_roles_of_a_splunkd_without_imports() -> None:
    """A role that imports nothing, and one that is not listed, stand for themselves."""
    listed = {"entry": [{"name": "a", "content": {"imported_roles": None}}]}
    assert users.with_imported(answering(200, listed), ["a", "gone"]) == {"a", "gone"}
