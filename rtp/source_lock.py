"""Which source a leg listens to, and where it sends: SSRC locking and symmetric RTP (RFC 3550 section 8.2, RFC 4961).

One leg hears one source. The first that proves itself is locked; others are dropped until it says BYE, times out or
has been silent for a moment. Until then we send to the address of the description; when the locked source sends
from elsewhere, as it does behind a NAT, we follow it there once.
"""

from __future__ import annotations

import ipaddress

import attrs

from rtp.receiver import MIN_SEQUENTIAL, RtpReceiver, Verdict

TransportAddress = tuple[str, int]


@attrs.frozen(kw_only=True)
class SourcePolicy:
    """When another source or address is accepted."""

    follow: bool = True  #: send to where the packets come from
    takeover_silence: float = 0.5  #: s without a packet of the locked source before another may take its place


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
        self._candidate: RtpReceiver | None = None
        self._candidate_source: TransportAddress | None = None
        self._heard = 0.0

    def admit(
        self, ssrc: int, sequence_number: int, timestamp: int, source: TransportAddress, *, now: float, measure: bool
    ) -> bool:
        """Whether a packet belongs to the stream; keeps its statistics."""
        locked = self.locked
        if locked is not None and locked.ssrc == ssrc and source == self.source:
            verdict = locked.receive(sequence_number, timestamp, now=now, measure=measure)
            self._heard = now
            return verdict in (Verdict.ACCEPTED, Verdict.RESTARTED)
        if locked is not None and not self._may_take_over(source, now):
            self.refused += 1
            return False
        return self._try(ssrc, sequence_number, timestamp, source, now, measure)

    def _may_take_over(self, source: TransportAddress, now: float) -> bool:
        from_signalled = source == self._signalled and self.source != self._signalled
        return from_signalled or now - self._heard >= self._policy.takeover_silence

    def _try(
        self, ssrc: int, sequence_number: int, timestamp: int, source: TransportAddress, now: float, measure: bool
    ) -> bool:
        """Let a new source prove itself; one that sends from the signalled address is believed at once."""
        candidate = self._candidate
        if candidate is None or candidate.ssrc != ssrc or self._candidate_source != source:
            proof = 1 if source == self._signalled else MIN_SEQUENTIAL
            candidate = RtpReceiver(ssrc, clock_rate=self._clock_rate, min_sequential=proof)
            self._candidate, self._candidate_source = candidate, source
        if candidate.receive(sequence_number, timestamp, now=now, measure=measure) is not Verdict.ACCEPTED:
            return False
        self.locked = self.last = candidate
        self._candidate, self.source, self._heard = None, source, now
        if self._policy.follow:
            self.destination = source
        return True

    def release(self) -> None:
        """The locked source left: the next one may be locked. Its address stays in use."""
        self.locked = self._candidate = None

    def signal(self, address: TransportAddress | None) -> bool:
        """A new description; True when its address differs, and then holds until packets come from elsewhere."""
        if address == self._signalled:
            return False
        self._signalled = address
        self.destination = sendable(address)
        self.release()
        return True
