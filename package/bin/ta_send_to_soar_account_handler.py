"""REST handler of the SOAR accounts on the configuration page: checks, tests and saves them."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from soarlink.configuration.accounts import Accounts, Answer
from soarlink.errors import SendToSoarError, SplunkdError
from soarlink.outbox.collection import Outbox
from soarlink.outbox.item import PENDING
from soarlink.outbox.selection import Filters
from soarlink.secret import Secret
from soarlink.splunk import users
from soarlink.splunk.apilog import ApiLog
from soarlink.splunk.kvstore import KvStore
from soarlink.splunk.session import connect
from soarlink.splunk.settings import Settings
from splunktaucclib.rest_handler.admin_external import AdminExternalHandler, build_conf_info, get_splunkd_endpoint
from splunktaucclib.rest_handler.entity import RestEntity
from splunktaucclib.rest_handler.error import RestError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soarlink.splunk.apilog import ApiCalls

APP = Path(__file__).resolve().parents[1]


class AccountHandler(AdminExternalHandler):  # type: ignore[misc] # splunktaucclib has no types
    """The page's calls. Splunk's own handler would send secrets to the browser on request, and test nothing."""

    @build_conf_info  # type: ignore[untyped-decorator] # as above
    def handleList(self, confInfo: Any) -> list[Any]:  # noqa: N802, N803, ARG002 - splunkd calls it so
        """List all accounts, or one."""
        name = self.callerArgs.id
        with self._accounts() as accounts:
            found = [answer for answer in accounts.list() if not name or answer.name == name]
        if name and not found:
            raise RestError(404, f'There is no account "{name}".')
        return [self._entity(answer) for answer in found]

    @build_conf_info  # type: ignore[untyped-decorator] # as above
    def handleCreate(self, confInfo: Any) -> list[Any]:  # noqa: N802, N803, ARG002 - splunkd calls it so
        """Save a new account."""
        with self._accounts() as accounts:
            return [self._entity(accounts.create(self.callerArgs.id, self.payload))]

    @build_conf_info  # type: ignore[untyped-decorator] # as above
    def handleEdit(self, confInfo: Any) -> list[Any]:  # noqa: N802, N803, ARG002 - splunkd calls it so
        """Save a changed account."""
        with self._accounts() as accounts:
            return [self._entity(accounts.edit(self.callerArgs.id, self.payload))]

    def handleRemove(self, confInfo: Any) -> None:  # noqa: N802, N803, ARG002 - splunkd calls it so
        """Delete an account with its secret."""
        with self._accounts() as accounts:
            accounts.remove(self.callerArgs.id)

    @contextmanager
    def _accounts(self) -> Iterator[Accounts]:
        """The accounts with the caller's rights; what is wrong comes in the words that the page shows."""
        home = Path(os.environ["SPLUNK_HOME"])
        splunkd = connect(get_splunkd_endpoint(), Secret(self.getSessionKey()), home)
        outbox = Outbox(KvStore(splunkd))
        log = ApiLog(home, "configuration")

        def waiting(name: str) -> int:
            return len(outbox.select(Filters(states=(PENDING,), account=name)))

        def calls(name: str) -> ApiCalls:
            return log.connection(name, {"user": users.current(splunkd.get).name})

        try:
            yield Accounts(splunkd, Settings.load(APP), waiting, calls, time.time)
        except SendToSoarError as error:
            status = error.status if isinstance(error, SplunkdError) and error.status else 400
            raise RestError(status, str(error)) from None
        finally:
            splunkd.close()
            log.close()

    def _entity(self, answer: Answer) -> Any:
        model = self.endpoint.model(answer.name)
        known = {one.name for one in model.fields}
        content = {name: text for name, text in answer.content.items() if name in known}
        # Never stored, and said each time: the page would show the box as it was ticked last.
        content["skip_test"] = "0"
        return RestEntity(answer.name, content, model, self.endpoint.user, self.endpoint.app, acl=answer.acl)
