"""The kinds of MCU, as documents tell them apart (RFC 4575 section 5.7, MS-CONFBAS)."""

from __future__ import annotations

from typing import Final

import attrs

from c3p import (
    AvCapabilities,
    EntityCapabilities,
    McuType,
    MediaEntry,
    MediaLabel,
    MediaStatus,
    MediaType,
    SessionType,
)


@attrs.frozen(kw_only=True)
class Kind:
    """What an MCU is for: the words under which a Factory, a Focus and clients know its endpoints and streams."""

    mcu_type: McuType
    session_type: SessionType
    media_type: MediaType
    label: MediaLabel
    capabilities: EntityCapabilities | None = None  #: what its entity-view says that it can do
    sources: bool = False  #: whether a stream has the number of a source (MS-CONFAV)

    @property
    def entry(self) -> MediaEntry:
        """The stream that every endpoint has, as the entity-view lists it."""
        return MediaEntry(label=self.label, type=self.media_type, status=MediaStatus.SENDRECV)


AUDIO_VIDEO: Final = Kind(
    mcu_type=McuType.AUDIO_VIDEO,
    session_type=SessionType.AUDIO_VIDEO,
    media_type=MediaType.AUDIO,
    label=MediaLabel.MAIN_AUDIO,
    capabilities=EntityCapabilities(av=AvCapabilities(supports_audio=True, supports_video=False)),
    sources=True,
)
CHAT: Final = Kind(
    mcu_type=McuType.CHAT,
    session_type=SessionType.CHAT,
    media_type=MediaType.CHAT,
    label=MediaLabel.CHAT,
)
