"""The client side of a Focus: one user in one conference at a time."""

from __future__ import annotations

from focus.client.client import Client
from focus.client.config import ClientConfig
from focus.client.events import (
    CapabilitiesReceived,
    CommandAccepted,
    CommandFailed,
    CommandId,
    CommandSucceeded,
    ConferenceCreated,
    FailureReason,
    Joined,
    JoinFailed,
    LeaveCause,
    Left,
    Rejoined,
    Rejoining,
    RosterChanged,
    Subscribed,
    SubscriptionLost,
)
from focus.client.guest import guest_aor
from focus.client.state import ClientState

__all__ = [
    "CapabilitiesReceived",
    "Client",
    "ClientConfig",
    "ClientState",
    "CommandAccepted",
    "CommandFailed",
    "CommandId",
    "CommandSucceeded",
    "ConferenceCreated",
    "FailureReason",
    "JoinFailed",
    "Joined",
    "LeaveCause",
    "Left",
    "Rejoined",
    "Rejoining",
    "RosterChanged",
    "Subscribed",
    "SubscriptionLost",
    "guest_aor",
]
