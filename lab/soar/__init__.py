"""A stand-in SOAR: the REST interface that the add-on speaks to, with the same semantics, on this machine."""

from lab.soar.fault import Fault, FaultKind
from lab.soar.server import StandInSoar
from lab.soar.switches import Outcome, ScriptedAction, Switches

__all__ = ["Fault", "FaultKind", "Outcome", "ScriptedAction", "StandInSoar", "Switches"]
