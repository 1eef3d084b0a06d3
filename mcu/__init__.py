"""A/V MCU and MCU Factory: dials out, mixes, reports to the Focus. No sockets, no clock, no randomness of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu.errors import LocalError, McuError, MissingExtra
from mcu.gateway import Gateway, GatewayTable
from mcu.outcome import OUTCOMES, Ending, Outcome, ending_of_status
from mcu.policy import DialOutPolicy, DialOutQuestion, DialPolicy, Refusal, RefusalReason
from mcu.selection import Candidate, LeastLoaded, SelectionStrategy
from mcu.speaker import ActiveSpeaker, SpeakerSettings

if TYPE_CHECKING:
    from mcu.mixer import Mix, Mixer, MixerSettings

__all__ = [
    "OUTCOMES",
    "ActiveSpeaker",
    "Candidate",
    "DialOutPolicy",
    "DialOutQuestion",
    "DialPolicy",
    "Ending",
    "Gateway",
    "GatewayTable",
    "LeastLoaded",
    "LocalError",
    "McuError",
    "MissingExtra",
    "Mix",
    "Mixer",
    "MixerSettings",
    "Outcome",
    "Refusal",
    "RefusalReason",
    "SelectionStrategy",
    "SpeakerSettings",
    "ending_of_status",
]

_NEEDS_NUMPY = frozenset({"Mix", "Mixer", "MixerSettings"})


def __getattr__(name: str) -> object:
    # numpy is an extra: it is imported when mixing is first asked for, not with the package.
    if name in _NEEDS_NUMPY:
        from mcu import mixer

        return getattr(mixer, name)
    raise AttributeError(f"module 'mcu' has no attribute {name!r}")
