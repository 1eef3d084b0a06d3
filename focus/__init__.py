"""The Focus of a C3P conference, its Focus Factory, and the client side (sans-IO: no socket, clock or chance inside).

`Focus` and `FocusFactory` are cores of a `sip.Endpoint`; the Focus also speaks C3P over HTTP with MCUs, as exchanges
that a driver carries. `Client` is the other end of the same dialogs.
"""

from __future__ import annotations

from focus.client import (
    CapabilitiesReceived,
    Client,
    ClientConfig,
    ClientState,
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
    RosterChanged,
    Subscribed,
    SubscriptionLost,
)
from focus.config import FactoryConfig, FocusConfig
from focus.errors import FocusError, LocalProtocolError, RecordExists, StoreError, StoreFull
from focus.events import (
    CommandFinished,
    ConferenceActivated,
    ConferenceEnded,
    EndReason,
    McuAssigned,
    McuLost,
    ParticipantJoined,
    ParticipantLeft,
    RecordAdded,
    RecordRemoved,
    RecordsWanted,
    RecordWanted,
    RecordWriteWanted,
    RosterPublished,
)
from focus.factory import FocusFactory
from focus.focus import Focus
from focus.identity import Identify, from_header
from focus.policy import ConferencePolicy
from focus.records import ConferenceRecord, ConferenceStore, MemoryStore, Written

__all__ = [
    "CapabilitiesReceived",
    "Client",
    "ClientConfig",
    "ClientState",
    "CommandAccepted",
    "CommandFailed",
    "CommandFinished",
    "CommandId",
    "CommandSucceeded",
    "ConferenceActivated",
    "ConferenceCreated",
    "ConferenceEnded",
    "ConferencePolicy",
    "ConferenceRecord",
    "ConferenceStore",
    "EndReason",
    "FactoryConfig",
    "FailureReason",
    "Focus",
    "FocusConfig",
    "FocusError",
    "FocusFactory",
    "Identify",
    "JoinFailed",
    "Joined",
    "LeaveCause",
    "Left",
    "LocalProtocolError",
    "McuAssigned",
    "McuLost",
    "MemoryStore",
    "ParticipantJoined",
    "ParticipantLeft",
    "RecordAdded",
    "RecordExists",
    "RecordRemoved",
    "RecordWanted",
    "RecordWriteWanted",
    "RecordsWanted",
    "RosterChanged",
    "RosterPublished",
    "StoreError",
    "StoreFull",
    "Subscribed",
    "SubscriptionLost",
    "Written",
    "from_header",
]
