"""Which source a leg listens to, and where it sends: SSRC locking and symmetric RTP (RFC 3550 section 8.2, RFC 4961).

One leg hears one source, and its media belong to that source's address. The first source that proves itself is locked.
For ``window`` seconds one that is better placed may take its place: at the address of the description, or at least on
its host. Then the address stays until a new offer or answer changes it, however long the source is silent: in a pause
nobody else is heard, and nothing is sent to anybody else. What may still change:

- the source at the address in use, as after a transfer behind a gateway: when another one there sends two packets in
  order while the locked one sends none;
- back to the address of the description, at any time: it was told by who may tell it;
- the port on the host in use, as when a NAT has forgotten the phone: when source, sequence number and time go on;
- anything, by a packet that was authenticated and is the newest (SRTP).

Within the window one who sent a few packets only and fell silent gives way to whoever is as well placed, or was there
before: two forged packets take no leg from a phone behind a NAT that begins after them, nor from one that speaks.
Until a source is locked we send to the address of the description.
"""

from __future__ import annotations

import ipaddress
from enum import Enum
from typing import Final

import attrs

from rtp.field_types import checks_types
from rtp.stream.receiver import MIN_SEQUENTIAL, RtpReceiver, Verdict

TransportAddress = tuple[str, int]

_SETTLED: Final = 25  #: packets, half a second of speech, after which a silent source is a phone in a pause


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class SourcePolicy:
    """When another source or address is accepted."""

    follow: bool = True  #: send to where the packets come from
    #: s after a source was locked in which a better placed one may take its place. A phone that answers begins to send
    #: well within it, and a stranger who was faster has the leg for no longer.
    window: float = 3.0
    takeover_silence: float = 0.5  #: s without a packet of the locked source before another port or source replaces it


class _Claim(Enum):
    """Why somebody may be locked: there is one candidate of each kind, so that none can push another kind out."""

    SAME = "same"  #: sends from the address in use
    BETTER = "better"  #: from one that fits to the description better
    OTHER = "other"


def sendable(address: TransportAddress | None) -> TransportAddress | None:
    """The address when it is numeric; a name of a description is never looked up, only learned from packets."""
    if address is None:
        return None
    try:
        ipaddress.ip_address(address[0])
    except ValueError:
        return None
    return address


class SourceLock:
    """The locked source and the address in use. Events of it are left to the owner, who compares before and after."""

    def __init__(self, signalled: TransportAddress | None, clock_rate: int, policy: SourcePolicy) -> None:
        self.locked: RtpReceiver | None = None
        self.last: RtpReceiver | None = None  #: the source locked last, kept after it left for its statistics
        self.source: TransportAddress | None = None  #: where the locked source sends from
        self.destination = sendable(signalled)  #: where we send
        self.refused = 0  #: packets of other sources, or from other addresses
        self._signalled = signalled
        self._clock_rate = clock_rate
        self._policy = policy
        self._candidates: dict[_Claim, tuple[RtpReceiver, TransportAddress]] = {}
        self._heard = 0.0
        self._window_ends = 0.0
        self._displaced: TransportAddress | None = None  #: the address before the one in use

    def admit(
        self,
        ssrc: int,
        sequence_number: int,
        timestamp: int,
        source: TransportAddress,
        *,
        now: float,
        measure: bool,
        authentic: bool = False,
    ) -> Verdict:
        """What to do with a packet; keeps its statistics. Only ``ACCEPTED`` and ``RESTARTED`` are of the stream.

        ``authentic``: it came by SRTP, so that its sender has the key of the peer.
        """
        locked = self.locked
        if locked is not None and locked.ssrc == ssrc and source == self.source:
            verdict = locked.receive(sequence_number, timestamp, now=now, measure=measure)
            self._heard = now
            if self._candidates:  # the stream goes on: whoever wanted its place in a pause has to begin again
                self._candidates = {key: one for key, one in self._candidates.items() if key is _Claim.BETTER}
            return verdict
        known = source in (self.source, self._signalled)
        if not known and not self._may_move(ssrc, sequence_number, timestamp, source, now, authentic):
            self.refused += 1
            return Verdict.REFUSED
        at_once = self._is_believed_at_once(source, authentic, now)
        return self._try(ssrc, sequence_number, timestamp, source, now, measure, at_once)

    def _may_move(
        self,
        ssrc: int,
        sequence_number: int,
        timestamp: int,
        source: TransportAddress,
        now: float,
        authentic: bool,
    ) -> bool:
        """Whether somebody at an address that nobody told us may be heard."""
        last = self.last
        if self.source is None or last is None:
            return True
        silent = now - self._heard >= self._policy.takeover_silence
        if authentic:
            # A packet that was held back by somebody on the way is authentic too, but it is not the newest.
            return last.is_newer(sequence_number) if ssrc == last.ssrc else silent
        if silent and source[0] == self.source[0] and ssrc == last.ssrc:
            return last.continues(sequence_number, timestamp, now=now)
        if now >= self._window_ends:
            return False
        if self._rank(source) > self._rank(self.source):
            return True
        equal = source == self._displaced or self._rank(source) == self._rank(self.source)
        return silent and equal and last.received < _SETTLED

    def _rank(self, source: TransportAddress) -> int:
        """How well an address fits to the description: exactly, by its host, or not at all, as behind a NAT."""
        if self._signalled is None:
            return 0
        return (source == self._signalled) + (source[0] == self._signalled[0])

    def _claim(self, source: TransportAddress) -> _Claim:
        if source == self.source:
            return _Claim.SAME
        better = source == self._signalled or (self.source is not None and self._rank(source) > self._rank(self.source))
        return _Claim.BETTER if better else _Claim.OTHER

    def _is_believed_at_once(self, source: TransportAddress, authentic: bool, now: float) -> bool:
        """Whether one packet is proof enough: where no other source is heard there, of who has the key, and, as long as
        the leg is looking for its source, of who is at the signalled address."""
        if self.locked is not None and source == self.source:
            return False
        looking = self.locked is None or now < self._window_ends
        return (authentic and source != self.source) or (looking and source == self._signalled)

    def _try(
        self,
        ssrc: int,
        sequence_number: int,
        timestamp: int,
        source: TransportAddress,
        now: float,
        measure: bool,
        at_once: bool,
    ) -> Verdict:
        """Let a new source prove itself."""
        claim = self._claim(source)
        candidate, at = self._candidates.get(claim, (None, None))
        if candidate is None or candidate.ssrc != ssrc or at != source:
            candidate = RtpReceiver(ssrc, clock_rate=self._clock_rate, min_sequential=1 if at_once else MIN_SEQUENTIAL)
            self._candidates[claim] = candidate, source
        if candidate.receive(sequence_number, timestamp, now=now, measure=measure) is not Verdict.ACCEPTED:
            return Verdict.PROBATION
        self.locked = self.last = candidate
        self._candidates.clear()
        if source != self.source:
            self._displaced, self.source, self._window_ends = self.source, source, now + self._policy.window
        self._heard = now
        if self._policy.follow:
            self.destination = source
        return Verdict.RESTARTED

    def undisputed(self) -> tuple[RtpReceiver, TransportAddress, float] | None:
        """The locked source, its address and when it was last heard, if nobody else is about to take its place."""
        if self.locked is None or self.source is None or self._candidates:
            return None
        return self.locked, self.source, self._heard

    def resume(self, *, arrival: float) -> None:
        """The locked source was heard until then."""
        self._heard = arrival

    def is_stranger(self, source: TransportAddress) -> bool:
        """Whether the leg has a source and this address is not of it."""
        return self.source is not None and source not in (self.source, self._signalled)

    def release(self) -> None:
        """The locked source left: the next one at its address may be locked."""
        self.locked = None
        self._candidates.clear()

    def signal(self, address: TransportAddress | None) -> bool:
        """A new description; True when its address differs, and then holds until packets come from elsewhere."""
        if address == self._signalled:
            return False
        self._signalled = address
        self.destination = sendable(address)
        self.source = self.last = self._displaced = None
        self.release()
        return True
