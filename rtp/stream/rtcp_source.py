"""Whose RTCP is believed and answered: a forged BYE would silence a leg, a forged address draw its reports away.

RTCP belongs to who sends the RTP. Until the first comes it is taken from the hosts that RTP comes from or was promised
from, afterwards from the address it came from and the one that the description names; from another port of that host
when it is of the source that is heard. What was authenticated is taken from anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from rtp.packets.rtcp import RtcpPacket
from rtp.sdp.agreement import MediaAgreement
from rtp.stream.source_lock import SourceLock, SourcePolicy, TransportAddress


class RtcpSource:
    """The address in use of one leg."""

    def __init__(self, policy: SourcePolicy) -> None:
        self.address: TransportAddress | None = None
        self._policy = policy
        self._window_ends = 0.0

    def forget(self) -> None:
        """RTP comes from elsewhere now, or a new description came."""
        self.address = None

    def admit(
        self,
        packets: Sequence[RtcpPacket],
        source: TransportAddress,
        agreement: MediaAgreement,
        rtp: SourceLock,
        *,
        authentic: bool,
        now: float,
    ) -> bool:
        """Whether a datagram is of the peer; then its address is the one in use. ``rtp`` has whose sound is heard."""
        if source != self.address:
            if not (
                authentic or source == agreement.remote_rtcp or self._may_move(packets, source, agreement, rtp, now)
            ):
                return False
            if self.address is None:
                self._window_ends = now + self._policy.window
            self.address = source
        return True

    def _may_move(
        self,
        packets: Sequence[RtcpPacket],
        source: TransportAddress,
        agreement: MediaAgreement,
        rtp: SourceLock,
        now: float,
    ) -> bool:
        known = (agreement.remote_rtp if rtp.source is None else rtp.source, agreement.remote_rtcp)
        if not any(address is not None and address[0] == source[0] for address in known):
            return False
        if self.address is None or (source[0] == self.address[0] and now < self._window_ends):
            return True
        heard = rtp.locked is not None and getattr(packets[0], "ssrc", None) == rtp.locked.ssrc
        return heard and source[0] == self.address[0]
