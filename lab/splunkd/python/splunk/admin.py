"""Base of REST handlers written in Python (`handlertype = python` in restmap.conf).

`init` runs a handler for the requests that the stand-in splunkd sends: one JSON document a line on standard input,
one JSON document a line as answer on what was standard output when `init` started. Real splunkd has a wire of its own
there; what handlers see is the same.
"""

from __future__ import annotations

import json
import os
import sys
import traceback

from . import RESTException, setDefault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

ACTION_CREATE = 1
ACTION_LIST = 2
ACTION_EDIT = 4
ACTION_REMOVE = 8
ACTION_MEMBERS = 16
ACTION_RELOAD = 32

CONTEXT_NONE = 1
CONTEXT_APP_ONLY = 2
CONTEXT_APP_AND_USER = 3

EAI_ENTRY_ACL = "eai:acl"
EAI_ENTRY_ATTRIBUTES = "eai:attributes"
EAI_META_PREFIX = "eai:"


class AdminManagerException(Exception):
    """Base of errors whose text and status reach the client as they are."""

    status = 500


class ArgValidationException(AdminManagerException):
    """An argument is missing, unknown or wrong: 400."""

    status = 400


class BadActionException(AdminManagerException):
    """The handler does not do this: 400."""

    status = 400


class NotFoundException(AdminManagerException):
    """No such entity: 404."""

    status = 404


class AlreadyExistsException(AdminManagerException):
    """There is such an entity: 409."""

    status = 409


class InternalException(AdminManagerException):
    """The handler failed: 500."""


class ServiceUnavailableException(AdminManagerException):
    """Try again later: 503."""

    status = 503


class ConfItem(dict):  # type: ignore[type-arg]
    """One entity in an answer: its values, and metadata such as `eai:acl`."""

    def __init__(self) -> None:
        super().__init__()
        self.metadata: dict[str, Any] = {}
        self.actions = ""

    def append(self, key: str, value: Any) -> None:
        """Set `key` to `value`."""
        self[key] = value

    def setMetadata(self, key: str, value: Any) -> None:
        """Set metadata `key`."""
        self.metadata[key] = value


class ConfInfo(dict):  # type: ignore[type-arg]
    """The answer: entities by name, made when first named."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, str]] = []

    def __missing__(self, name: str) -> ConfItem:
        item = self[name] = ConfItem()
        return item

    def addInfoMsg(self, msg: str) -> None:
        """Add a message of type INFO."""
        self.messages.append({"type": "INFO", "text": msg})

    def addWarnMsg(self, msg: str) -> None:
        """Add a message of type WARN."""
        self.messages.append({"type": "WARN", "text": msg})

    def addErrorMsg(self, msg: str) -> None:
        """Add a message of type ERROR."""
        self.messages.append({"type": "ERROR", "text": msg})


class SupportedArgs:
    """What a handler's `setup` says it takes."""

    def __init__(self) -> None:
        self.required: list[str] = []
        self.optional: list[str] = []

    def addReqArg(self, arg: str) -> None:
        """Name a required argument."""
        self.required.append(arg)

    def addOptArg(self, arg: str) -> None:
        """Name an optional argument; `*` allows any."""
        self.optional.append(arg)


class CallerArgs:
    """What the caller sent: the entity's name and, per argument, the list of its values."""

    def __init__(self, id: str | None, data: dict[str, list[str]]) -> None:  # noqa: A002 - Splunk's name
        self.id = id
        self.data = data

    def get(self, key: str, default: Any = None) -> Any:
        """Return the values of one argument."""
        return self.data.get(key, default)

    def __getitem__(self, key: str) -> list[str]:
        return self.data[key]

    def __contains__(self, key: str) -> bool:
        return key in self.data


class MConfigHandler:
    """Base class of handlers.

    Args:
        scriptMode: kept for Splunk's signature.
        ctxInfo: one of the CONTEXT constants.
        request: the request document of `init`.
    """

    def __init__(self, scriptMode: str, ctxInfo: int, request: Mapping[str, Any]) -> None:
        self.scriptMode = scriptMode
        self.context = ctxInfo
        self.requestedAction = request["action"]
        self.customAction = request.get("custom_action", "")
        self.userName = request["user"]
        self.appName = request["app"]
        self.callerArgs = CallerArgs(request.get("id"), request.get("args", {}))
        self.supportedArgs = SupportedArgs()
        self.maxCount = request.get("count", 30)
        self.posOffset = request.get("offset", 0)
        self.__session_key: str = request["session_key"]

    def getSessionKey(self) -> str:
        """Return the caller's session key."""
        return self.__session_key

    def setup(self) -> None:
        """Name the arguments that the requested action takes."""

    def handleList(self, confInfo: ConfInfo) -> None:  # noqa: ARG002 - Splunk's signature
        """Answer a GET."""
        raise BadActionException("This handler does not support list.")

    def handleCreate(self, confInfo: ConfInfo) -> None:  # noqa: ARG002 - Splunk's signature
        """Answer a POST on the collection."""
        raise BadActionException("This handler does not support create.")

    def handleEdit(self, confInfo: ConfInfo) -> None:  # noqa: ARG002 - Splunk's signature
        """Answer a POST on an entity."""
        raise BadActionException("This handler does not support edit.")

    def handleRemove(self, confInfo: ConfInfo) -> None:  # noqa: ARG002 - Splunk's signature
        """Answer a DELETE."""
        raise BadActionException("This handler does not support remove.")

    def handleReload(self, confInfo: ConfInfo) -> None:
        """Answer `_reload`; nothing to do unless a handler caches."""

    def handleCustom(self, confInfo: ConfInfo) -> None:  # noqa: ARG002 - Splunk's signature
        """Answer an action with a name of its own."""
        raise BadActionException(f"Custom action {self.customAction} is not supported by this handler.")

    def validate_args(self) -> None:
        """Compare what the caller sent with what `setup` named.

        Raises:
            ArgValidationException: something is missing or not supported.
        """
        allowed = set(self.supportedArgs.required) | set(self.supportedArgs.optional)
        missing = [name for name in self.supportedArgs.required if name not in self.callerArgs.data]
        if missing:
            raise ArgValidationException("The following required arguments are missing: {}.".format(", ".join(missing)))
        for name in self.callerArgs.data:
            if name not in allowed and "*" not in allowed:
                raise ArgValidationException(f'Argument "{name}" is not supported by this handler.')

    def execute(self, confInfo: ConfInfo) -> None:
        """Run the requested action."""
        if self.customAction:
            self.handleCustom(confInfo)
            return
        actions = {
            ACTION_CREATE: self.handleCreate,
            ACTION_LIST: self.handleList,
            ACTION_EDIT: self.handleEdit,
            ACTION_REMOVE: self.handleRemove,
            ACTION_RELOAD: self.handleReload,
        }
        actions[self.requestedAction](confInfo)


def init(handler: type[MConfigHandler], ctxInfo: int = CONTEXT_NONE) -> None:
    """Answer requests with `handler`, a MConfigHandler class, until standard input ends."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What a handler prints must not end up between the answers.
    os.dup2(2, 1)
    for line in sys.stdin:
        channel.write(json.dumps(_answer(handler, ctxInfo, json.loads(line))) + "\n")
        channel.flush()


def _answer(handler: type[MConfigHandler], context: int, request: Mapping[str, Any]) -> dict[str, Any]:
    setDefault("sessionKey", request["session_key"])
    try:
        info = ConfInfo()
        instance = handler("persistent", context, request)
        instance.setup()
        instance.validate_args()
        instance.execute(info)
    except AdminManagerException as error:
        return {"status": error.status, "text": str(error)}
    except RESTException as error:
        return {"status": error.statusCode, "text": error.get_extended_message_text()}
    except Exception as error:  # noqa: BLE001 - whatever a handler raises becomes an answer
        traceback.print_exc(file=sys.stderr)
        text = 'Unexpected error "%s" from python handler: "%s". See splunkd.log/python.log for more details.'
        return {"status": 500, "text": text % (type(error), error)}
    finally:
        setDefault("sessionKey", None)
    entries = [{"name": name, "content": dict(item), "metadata": item.metadata} for name, item in info.items()]
    return {"status": 200, "entries": entries, "messages": info.messages}
