"""A/V MCU and MCU Factory: dials out, mixes, reports to the Focus. No sockets, no clock, no randomness of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu.audio.active_speaker import ActiveSpeaker, SpeakerSettings
from mcu.audio.mixer_settings import MixerSettings
from mcu.audio.prompts import Playback, Prompts, tones
from mcu.audio.tap import Tap
from mcu.chat.chat_mcu import ChatMcu
from mcu.conferencing_server import ConferencingServer
from mcu.config import (
    ChatMcuConfig,
    ConferencingServerConfig,
    FactoryConfig,
    McuConfig,
    RoomSettings,
    StaticMcu,
)
from mcu.errors import LocalError, LocalProtocolError, McuError, MissingExtra
from mcu.events import (
    ActiveSpeakerChanged,
    AnnouncementFault,
    AnnouncementRefused,
    AudioLevels,
    CommandRefused,
    ConferenceEndCause,
    ConferenceEnded,
    ConferenceStarted,
    DtmfReceived,
    HoldChanged,
    HoldFailed,
    LegAlerting,
    LegConnected,
    LegDialing,
    LegEnded,
    LegEvent,
    LegHeld,
    LegId,
    LegResumed,
    LegWaiting,
    McuAllocated,
    McuForgotten,
    McuRegistered,
    MediaPeerKnown,
    MediaPortReleased,
    MediaPortWanted,
    MessagePassedOn,
    RegistrationAccepted,
    RegistrationRefused,
)
from mcu.factory.factory import McuFactory
from mcu.factory.kept import is_factory_place
from mcu.factory.selection import Candidate, LeastLoaded, SelectionStrategy
from mcu.gateway import Gateway, GatewayTable
from mcu.mcu import Mcu
from mcu.media_control import MAX_GAIN, MediaControl
from mcu.media_policy import MediaPolicy, MediaRules, MediaTarget, MediaTerms, Srtp
from mcu.outcome import OUTCOMES, Ending, Outcome, ending_of_status
from mcu.policy import (
    Allowed,
    Cause,
    Decision,
    DialOutPolicy,
    DialOutQuestion,
    DialOutRules,
    DialPolicy,
    Refusal,
    RefusalReason,
)
from mcu.responses import diagnostics_of
from mcu.telephone_number import TelephoneNumber, number_in

if TYPE_CHECKING:
    from mcu.audio.mixer import Mix, Mixer

__all__ = [
    "MAX_GAIN",
    "OUTCOMES",
    "ActiveSpeaker",
    "ActiveSpeakerChanged",
    "Allowed",
    "AnnouncementFault",
    "AnnouncementRefused",
    "AudioLevels",
    "Candidate",
    "Cause",
    "ChatMcu",
    "ChatMcuConfig",
    "CommandRefused",
    "ConferenceEndCause",
    "ConferenceEnded",
    "ConferenceStarted",
    "ConferencingServer",
    "ConferencingServerConfig",
    "Decision",
    "DialOutPolicy",
    "DialOutQuestion",
    "DialOutRules",
    "DialPolicy",
    "DtmfReceived",
    "Ending",
    "FactoryConfig",
    "Gateway",
    "GatewayTable",
    "HoldChanged",
    "HoldFailed",
    "LeastLoaded",
    "LegAlerting",
    "LegConnected",
    "LegDialing",
    "LegEnded",
    "LegEvent",
    "LegHeld",
    "LegId",
    "LegResumed",
    "LegWaiting",
    "LocalError",
    "LocalProtocolError",
    "Mcu",
    "McuAllocated",
    "McuConfig",
    "McuError",
    "McuFactory",
    "McuForgotten",
    "McuRegistered",
    "MediaControl",
    "MediaPeerKnown",
    "MediaPolicy",
    "MediaPortReleased",
    "MediaPortWanted",
    "MediaRules",
    "MediaTarget",
    "MediaTerms",
    "MessagePassedOn",
    "MissingExtra",
    "Mix",
    "Mixer",
    "MixerSettings",
    "Outcome",
    "Playback",
    "Prompts",
    "Refusal",
    "RefusalReason",
    "RegistrationAccepted",
    "RegistrationRefused",
    "RoomSettings",
    "SelectionStrategy",
    "SpeakerSettings",
    "Srtp",
    "StaticMcu",
    "Tap",
    "TelephoneNumber",
    "diagnostics_of",
    "ending_of_status",
    "is_factory_place",
    "number_in",
    "tones",
]

_NEEDS_NUMPY = frozenset({"Mix", "Mixer"})


def __getattr__(name: str) -> object:
    # numpy is an extra: it is imported when mixing is first asked for, not with the package.
    if name in _NEEDS_NUMPY:
        from mcu.audio import mixer

        return getattr(mixer, name)
    raise AttributeError(f"module 'mcu' has no attribute {name!r}")
