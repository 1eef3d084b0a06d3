"""Which source a leg listens to, and where it sends: SSRC locking and symmetric RTP (RFC 3550 section 8.2, RFC 4961).

One leg hears one source. The first that proves itself is locked. Another source at the same address, as after a
transfer behind a gateway, takes its place when it sends two packets in order while the locked one sends none. Sources
at other addresses are dropped until the locked one has been silent for a moment, or for longer when they do not even
know its SSRC; so nobody takes a stream whose address he cannot use. Until a source is locked we send to the address
of the description; when the source sends from elsewhere, as it does behind a NAT, we follow it there.
"""

from __future__ import annotations

import ipaddress

import attrs

from rtp.stream.receiver import MIN_SEQUENTIAL, RtpReceiver, Verdict

TransportAddress = tuple[str, int]


@attrs.frozen(kw_only=True)
class SourcePolicy:
    """When another source or address is accepted."""

    follow: bool = True  #: send to where the packets come from
    takeover_silence: float = 0.5  #: s without a packet of the locked source before it is followed to another address
    stranger_silence: float = 5.0  #: s before another source at another address may take its place


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
        self._candidates: dict[bool, tuple[RtpReceiver, TransportAddress]] = {}  #: by whether the address is known
        self._heard = 0.0

    def admit(
        self, ssrc: int, sequence_number: int, timestamp: int, source: TransportAddress, *, now: float, measure: bool
    ) -> Verdict:
        """What to do with a packet; keeps its statistics. Only ``ACCEPTED`` and ``RESTARTED`` are of the stream."""
        locked = self.locked
        if locked is not None and locked.ssrc == ssrc and source == self.source:
            verdict = locked.receive(sequence_number, timestamp, now=now, measure=measure)
            self._heard = now
            if self._candidates:
                self._candidates.clear()  # the stream goes on: whoever wanted its place has to begin again
            return verdict
        known = source in (self.source, self._signalled)
        if not known and not self._may_take_over(ssrc, now):
            self.refused += 1
            return Verdict.REFUSED
        return self._try(ssrc, sequence_number, timestamp, source, now, measure, known)

    def _may_take_over(self, ssrc: int, now: float) -> bool:
        """Whether somebody at an address that nobody told us may be heard."""
        if self.source is None or self.last is None:
            return True
        policy = self._policy
        patience = policy.takeover_silence if ssrc == self.last.ssrc else policy.stranger_silence
        return now - self._heard >= patience

    def _try(
        self,
        ssrc: int,
        sequence_number: int,
        timestamp: int,
        source: TransportAddress,
        now: float,
        measure: bool,
        known: bool,
    ) -> Verdict:
        """Let a new source prove itself; one from the signalled address is believed at once where none is heard."""
        candidate, at = self._candidates.get(known, (None, None))
        if candidate is None or candidate.ssrc != ssrc or at != source:
            at_once = source == self._signalled and (self.locked is None or self.source != source)
            candidate = RtpReceiver(ssrc, clock_rate=self._clock_rate, min_sequential=1 if at_once else MIN_SEQUENTIAL)
            self._candidates[known] = candidate, source
        if candidate.receive(sequence_number, timestamp, now=now, measure=measure) is not Verdict.ACCEPTED:
            return Verdict.PROBATION
        self.locked = self.last = candidate
        self._candidates.clear()
        self.source, self._heard = source, now
        if self._policy.follow:
            self.destination = source
        return Verdict.RESTARTED

    def release(self) -> None:
        """The locked source left: the next one may be locked. Its address stays in use."""
        self.locked = None
        self._candidates.clear()

    def signal(self, address: TransportAddress | None) -> bool:
        """A new description; True when its address differs, and then holds until packets come from elsewhere."""
        if address == self._signalled:
            return False
        self._signalled = address
        self.destination = sendable(address)
        self.source = self.last = None
        self.release()
        return True
