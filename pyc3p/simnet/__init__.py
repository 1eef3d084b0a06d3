"""Whole conferences in virtual time: a pretended network for tests, of this project and of others.

>>> from pyc3p.elements import FarmPlan, Handset
>>> from pyc3p.simnet import Meeting
>>> meeting = Meeting(FarmPlan(handsets=[Handset(name="phone", user="bob")]), seed=7)
>>> meeting.register_phones()
>>> meeting.open()
>>> call = meeting.dial("presenter", "sip:bob@example.com")
>>> meeting.outcome("presenter", call).text
'success'
>>> meeting.history("watcher", "sip:bob@example.com")
['audio-video dialing-out', 'audio-video alerting', 'audio-video connected']
"""

from __future__ import annotations

from pyc3p.simnet.bodies import BodyAlteration, BodyHow
from pyc3p.simnet.conditions import Conditions, HttpFault
from pyc3p.simnet.conference import SimFarm
from pyc3p.simnet.failed import SimulationFailed
from pyc3p.simnet.host import SimHost
from pyc3p.simnet.meeting import Meeting, Outcome
from pyc3p.simnet.network import SimNetwork
from pyc3p.simnet.passing import Passing
from pyc3p.simnet.raw import RawPeer
from sip.testing import VirtualClock

__all__ = [
    "BodyAlteration",
    "BodyHow",
    "Conditions",
    "HttpFault",
    "Meeting",
    "Outcome",
    "Passing",
    "RawPeer",
    "SimFarm",
    "SimHost",
    "SimNetwork",
    "SimulationFailed",
    "VirtualClock",
]
