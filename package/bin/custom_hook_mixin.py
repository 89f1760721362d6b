"""Rules of the configuration tabs that are no tables: splunktaucclib asks this module before it saves one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from soarlink.configuration.settings import before_saving
from soarlink.errors import SendToSoarError, SplunkdError
from soarlink.secret import Secret
from soarlink.splunk.session import connect
from solnlib.splunkenv import get_splunkd_uri
from splunktaucclib.rest_handler.base_hook_mixin import BaseHookMixin
from splunktaucclib.rest_handler.error import RestError


class CustomHookMixin(BaseHookMixin):  # type: ignore[misc] # splunktaucclib has no types
    """Handlers with rules of their own, for accounts and mapping rules, do not come here."""

    def edit_hook(
        self,
        session_key: str,
        config_name: str,  # noqa: ARG002 - splunktaucclib's signature
        stanza_id: str,
        payload: dict[str, Any],
    ) -> None:
        """Check a tab, and put what is to be saved in place of what was sent."""
        splunkd = connect(get_splunkd_uri(), Secret(session_key), Path(os.environ["SPLUNK_HOME"]))
        try:
            saved = before_saving(splunkd, stanza_id, payload)
        except SendToSoarError as error:
            status = error.status if isinstance(error, SplunkdError) and error.status else 400
            raise RestError(status, str(error)) from None
        finally:
            splunkd.close()
        payload.clear()
        payload.update(saved)
