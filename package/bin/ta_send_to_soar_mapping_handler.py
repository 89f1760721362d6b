"""REST handler of the mapping rules on the configuration page: what it saves can be compiled, and only what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from soarlink.errors import MappingError
from soarlink.mapping.shipped_rules import STANZAS
from soarlink.splunk import rules
from splunktaucclib.rest_handler.admin_external import AdminExternalHandler, build_conf_info
from splunktaucclib.rest_handler.error import RestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_TRUE = frozenset(("1", "true", "t", "yes", "y"))
_UNSET = {"disabled": "0", "mode": "map"}
"""What a key means that is not there; "" for the others."""


class MappingHandler(AdminExternalHandler):  # type: ignore[misc] # splunktaucclib has no types
    """Lists shipped and own rules as splunkd merges them, and checks a rule before it is saved."""

    @build_conf_info  # type: ignore[untyped-decorator] # as above
    def handleList(self, confInfo: Any) -> Iterator[Any]:  # noqa: N802, N803, ARG002 - splunkd calls it so
        """List all rules, or one; the page needs a mode to show, where a rule leaves it to the default."""
        name = self.callerArgs.id
        for entity in self.handler.get(name) if name else self.handler.all(count=0):
            entity.content["mode"] = entity.content.get("mode") or _UNSET["mode"]
            yield entity

    @build_conf_info  # type: ignore[untyped-decorator] # as above
    def handleCreate(self, confInfo: Any) -> Iterable[Any]:  # noqa: N802, N803, ARG002 - splunkd calls it so
        """Save a new rule."""
        name, given = self.callerArgs.id, _settings(self.payload)
        _check(name, {**self._stanzas(), name: given})
        # What is empty is not set: the file shows what the rule says.
        return self.handler.create(name, {key: value for key, value in given.items() if value})  # type: ignore[no-any-return]

    @build_conf_info  # type: ignore[untyped-decorator] # as above
    def handleEdit(self, confInfo: Any) -> Iterable[Any]:  # noqa: N802, N803, ARG002 - splunkd calls it so
        """Save what is new in a rule: of a shipped one, every other key goes on following what we ship.

        The base class takes ``disabled`` for a request to do nothing else.
        """
        name, stanzas = self.callerArgs.id, self._stanzas()
        there = stanzas.get(name)
        if there is None:
            raise RestError(404, f'There is no mapping rule "{name}".')
        given = _settings(self.payload)
        changed = {key: value for key, value in given.items() if value != there.get(key, _UNSET.get(key, ""))}
        _check(name, {**stanzas, name: {**there, **changed}})
        return self.handler.update(name, changed) if changed else self.handler.get(name)  # type: ignore[no-any-return]

    def handleRemove(self, confInfo: Any) -> None:  # noqa: N802, N803 - splunkd calls it so
        """Remove a rule of the customer's own; what the default layer has splunkd does not delete."""
        name = self.callerArgs.id
        if name in STANZAS:
            raise RestError(
                400, f"[{name}] is a shipped rule: it can be changed, or switched off in the table, but it stays."
            )
        super().handleRemove(confInfo)

    def _stanzas(self) -> dict[str, dict[str, str]]:
        return {entity.name: _settings(entity.content) for entity in self.handler.all(decrypt=False, count=0)}


def _check(name: str, stanzas: Mapping[str, Mapping[str, str]]) -> None:
    try:
        rules.check(name, stanzas)
    except MappingError as error:
        raise RestError(400, str(error)) from None


def _settings(content: Mapping[str, Any]) -> dict[str, str]:
    """Settings as conf files have them: REST answers hold booleans and nulls, too."""
    found = {key: "" if value is None else str(value).strip() for key, value in content.items()}
    if "disabled" in found:
        found["disabled"] = "1" if found["disabled"].lower() in _TRUE else "0"
    return found
