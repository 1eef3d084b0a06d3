"""Conferences over real sockets with asyncio: create, join, dial out, look after who is there."""

from __future__ import annotations

from focus.aio.client import ConferencingClient, connect
from focus.aio.conference import Conference
from focus.aio.connection import ConnectSettings
from focus.aio.errors import CommandError, ConferenceError, ConferenceLeft, JoinError
from focus.aio.leg import Leg
from focus.aio.roster import Roster

__all__ = [
    "CommandError",
    "Conference",
    "ConferenceError",
    "ConferenceLeft",
    "ConferencingClient",
    "ConnectSettings",
    "JoinError",
    "Leg",
    "Roster",
    "connect",
]
