"""Whose media come from where, when all legs share one pair of ports: an address is that of one leg."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Final

from mcu.events import LegId, MediaPeerKnown
from rtp import MediaAgreement, NegotiationError
from sip import Event

Address = tuple[str, int]

_KINDS: Final = ("rtp", "rtcp")


class MediaPeers:
    """Claims addresses for legs as descriptions are agreed on, and tells the application of them."""

    def __init__(self, emit: Callable[[Event], None], *, owner: str) -> None:
        self._emit, self._owner = emit, owner
        self._legs: dict[tuple[str, Address], LegId] = {}
        self._claims: dict[LegId, tuple[Address | None, Address | None]] = {}

    def claim(self, leg: LegId, audio: MediaAgreement | None) -> None:
        """The media of a leg come from where this agreement says, and from nowhere else.

        Who is on hold, or has no audio for a while, keeps what was claimed. Raises NegotiationError, and changes
        nothing, for an address that another leg has, or that is none.
        """
        if audio is None or audio.remote_rtp is None:
            return
        wanted = audio.remote_rtp, audio.remote_rtcp
        if self._claims.get(leg) == wanted:
            return
        for kind, address in zip(_KINDS, wanted, strict=True):
            if address is not None:
                self._check(leg, kind, address)
        self.forget(leg)
        self._claims[leg] = wanted
        self._legs |= {(kind, at): leg for kind, at in zip(_KINDS, wanted, strict=True) if at is not None}
        self._emit(MediaPeerKnown(owner=self._owner, leg=leg, rtp=wanted[0], rtcp=wanted[1]))

    def _check(self, leg: LegId, kind: str, address: Address) -> None:
        host, port = address
        try:
            ipaddress.ip_address(host)
        except ValueError:
            raise NegotiationError(f"media must come from a numeric address here, not from {host}") from None
        if self._legs.get((kind, address), leg) != leg:
            raise NegotiationError(
                f"another call has its {kind.upper()} at {host} port {port}: two cannot be told apart here"
            )

    def forget(self, leg: LegId) -> None:
        """A leg is over."""
        for kind, address in zip(_KINDS, self._claims.pop(leg, (None, None)), strict=True):
            if address is not None:
                del self._legs[kind, address]
