"""May this user use this account?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Callable

from soarlink.errors import AccessRefused

if TYPE_CHECKING:
    from soarlink.splunk.policy import Access
    from soarlink.splunk.users import User

CAPABILITY = "use_soar_actions"
"""What it takes to run the actions (authorize.conf)."""


def require_capability(user: User) -> None:
    """Refuse whoever may not run the actions.

    Raises:
        AccessRefused: with the capability and the role that has it.
    """
    if not user.is_system and CAPABILITY not in user.capabilities:
        raise AccessRefused(f"{user.name} may not use SOAR accounts.", ROLE_REMEDY)


ROLE_REMEDY = f"It takes the capability {CAPABILITY}, which the role send_to_soar_user has."


def require_role(
    user: User, account: str, access: Access, with_imported: Callable[[Iterable[str]], frozenset[str]]
) -> None:
    """Refuse whoever has none of the roles that the account is limited to.

    splunkd itself is never refused: searches that belong to ``nobody`` run as it.

    Args:
        user: who wants to use it.
        account: its name.
        access: its policy.
        with_imported: roles with all that they import; asked only when the user's own roles don't decide.

    Raises:
        AccessRefused: says what to do; which roles are allowed stays untold.
    """
    if not access.roles or user.is_system or not access.roles.isdisjoint(user.roles):
        return
    if not access.roles.isdisjoint(with_imported(user.roles)):
        return
    raise AccessRefused(
        f'{user.name} may not use the account "{account}": it is limited to other roles.',
        "Choose another account, or have one of the user's roles added to the account's allowed roles.",
    )
