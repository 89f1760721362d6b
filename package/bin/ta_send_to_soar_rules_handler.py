"""REST handlers of the tables of rules on the configuration page: what they save can be used, and only what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from soarlink.errors import SendToSoarError
from soarlink.mapping.shipped_rules import STANZAS
from soarlink.splunk import rules
from soarlink.writeback import rule
from splunktaucclib.rest_handler.admin_external import AdminExternalHandler, build_conf_info
from splunktaucclib.rest_handler.error import RestError

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    Stanzas = Mapping[str, Mapping[str, str]]

_TRUE = frozenset(("1", "true", "t", "yes", "y"))


class RulesHandler(AdminExternalHandler):  # type: ignore[misc] # splunktaucclib has no types
    """Lists shipped and own rules as splunkd merges them, and checks a rule before it is saved."""

    shipped: Container[str] = frozenset()
    """Names of the rules that the add-on ships."""
    unset: Mapping[str, str] = {"disabled": "0"}
    """What a key means that is not there; "" for the others."""

    check: staticmethod[[str, Stanzas], None]
    """Refuses a rule (its name; all stanzas with it) that can't be used, by SendToSoarError with stanza and key."""

    @build_conf_info  # type: ignore[untyped-decorator] # as above
    def handleList(self, confInfo: Any) -> Iterator[Any]:  # noqa: N802, N803, ARG002 - splunkd calls it so
        """List all rules, or one; the page needs something to show where a rule leaves a choice to the default."""
        name = self.callerArgs.id
        for entity in self.handler.get(name) if name else self.handler.all(count=0):
            for key, value in self.unset.items():
                if key != "disabled":
                    entity.content[key] = entity.content.get(key) or value
            yield entity

    @build_conf_info  # type: ignore[untyped-decorator] # as above
    def handleCreate(self, confInfo: Any) -> Iterable[Any]:  # noqa: N802, N803, ARG002 - splunkd calls it so
        """Save a new rule."""
        name, given = self.callerArgs.id, _settings(self.payload)
        self._checked(name, {**self._stanzas(), name: given})
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
            raise RestError(404, f'There is no rule "{name}".')
        given = _settings(self.payload)
        changed = {key: value for key, value in given.items() if value != there.get(key, self.unset.get(key, ""))}
        self._checked(name, {**stanzas, name: {**there, **changed}})
        return self.handler.update(name, changed) if changed else self.handler.get(name)  # type: ignore[no-any-return]

    def handleRemove(self, confInfo: Any) -> None:  # noqa: N802, N803 - splunkd calls it so
        """Remove a rule of the customer's own; what the default layer has splunkd does not delete."""
        name = self.callerArgs.id
        if name in self.shipped:
            raise RestError(
                400, f"[{name}] is a shipped rule: it can be changed, or switched off in the table, but it stays."
            )
        super().handleRemove(confInfo)

    def _stanzas(self) -> dict[str, dict[str, str]]:
        return {entity.name: _settings(entity.content) for entity in self.handler.all(decrypt=False, count=0)}

    def _checked(self, name: str, stanzas: Mapping[str, Mapping[str, str]]) -> None:
        try:
            self.check(name, stanzas)
        except SendToSoarError as error:
            raise RestError(400, str(error)) from None


class MappingHandler(RulesHandler):
    """The mapping rules."""

    shipped = STANZAS
    unset: Mapping[str, str] = {"disabled": "0", "mode": "map"}
    check = staticmethod(rules.check)


class WritebackHandler(RulesHandler):
    """What of a container is written to its notable."""

    shipped = rule.SHIPPED
    check = staticmethod(rule.check)


def _settings(content: Mapping[str, Any]) -> dict[str, str]:
    """Settings as conf files have them: REST answers hold booleans and nulls, and what splunkd says of an entry."""
    found = {
        key: "" if value is None else str(value).strip() for key, value in content.items() if not key.startswith("eai:")
    }
    if "disabled" in found:
        found["disabled"] = "1" if found["disabled"].lower() in _TRUE else "0"
    return found
