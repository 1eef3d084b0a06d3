"""Whole conferences in virtual time: a pretended network for tests, of this project and of others."""

from pyc3p.simnet.clock import VirtualClock
from pyc3p.simnet.conditions import Conditions, HttpFault
from pyc3p.simnet.conference import SimFarm
from pyc3p.simnet.host import SimHost
from pyc3p.simnet.meeting import Meeting, Outcome
from pyc3p.simnet.network import SimNetwork, SimulationFailed
from pyc3p.simnet.raw import RawPeer

__all__ = [
    "Conditions",
    "HttpFault",
    "Meeting",
    "Outcome",
    "RawPeer",
    "SimFarm",
    "SimHost",
    "SimNetwork",
    "SimulationFailed",
    "VirtualClock",
]
