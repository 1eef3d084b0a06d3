"""A legacy phone: SIP, SDP and RTP as any softphone speaks them, with no idea of conferences, and without I/O."""

from __future__ import annotations

from pyc3p.phone.config import PhoneConfig
from pyc3p.phone.events import (
    CallEnd,
    PhoneAnswered,
    PhoneHeld,
    PhoneKey,
    PhoneNotRegistered,
    PhoneRegistered,
    PhoneReleased,
    PhoneRinging,
    Reaction,
)
from pyc3p.phone.phone import Phone
from pyc3p.phone.tone import ToneSource, listen_for
from sip import CallState

__all__ = [
    "CallEnd",
    "CallState",
    "Phone",
    "PhoneAnswered",
    "PhoneConfig",
    "PhoneHeld",
    "PhoneKey",
    "PhoneNotRegistered",
    "PhoneRegistered",
    "PhoneReleased",
    "PhoneRinging",
    "Reaction",
    "ToneSource",
    "listen_for",
]
