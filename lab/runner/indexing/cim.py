"""What Splunk_SA_CIM adds when it is installed, as far as it touches an action's log.

The public facts (file names, index, sourcetype, event types and tags), written anew; nothing of that app is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

INDEX = "cim_modactions"
INVOCATION = 'signature="Invoking modular action"'
"""The literal text that makes an event an invocation."""

PROPS: Mapping[str, Mapping[str, str]] = {
    "source::..._modalert.log*": {
        "TRANSFORMS-cim_modalert": "cim_modalert_index, cim_modalert_sourcetype",
        "SHOULD_LINEMERGE": "false",
    },
}
TRANSFORMS: Mapping[str, Mapping[str, str]] = {
    "cim_modalert_index": {"REGEX": ".", "DEST_KEY": "_MetaData:Index", "FORMAT": INDEX},
    "cim_modalert_sourcetype": {
        "SOURCE_KEY": "MetaData:Source",
        "REGEX": r"^.*[\\/](.+)_modalert\.log",
        "DEST_KEY": "MetaData:Sourcetype",
        "FORMAT": "sourcetype::modular_alerts:$1",
    },
}
EVENTTYPES: Mapping[str, Mapping[str, str]] = {
    "cim_modaction": {"search": f"index={INDEX} source=*_modalert.log* sendmodaction"},
    "cim_modaction_invocation": {
        "search": f"index={INDEX} source=*_modalert.log* sendmodaction " + '"signature=\\"Invoking modular action\\""'
    },
}
TAGS: Mapping[str, Mapping[str, str]] = {
    "eventtype=cim_modaction": {"modaction": "enabled"},
    "eventtype=cim_modaction_invocation": {"modaction": "enabled", "invocation": "enabled"},
}
