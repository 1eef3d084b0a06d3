"""Judge the steps of timestamps from packet to packet: what is wrong at once, in a stream of any length."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from rtp.packets.rtp import RtpPacket
from rtp.sdp.codec import Codec
from rtp.testing.judges.finding import Finding, Force

_SECTION: Final = "RFC 3550 section 5.1"
_WORD: Final = 2**32
_NUMBERS: Final = 2**16
#: Codecs with one octet for each tick of their clock (RFC 3551 section 4.5).
_OCTET_A_TICK: Final = frozenset(("pcmu", "pcma", "g722"))
#: Seconds by which a timestamp may be ahead of the packet that came soonest: a network can hold packets back.
_AHEAD: Final = 2.0
#: Steps in a row that are too small for the sound in the packets before them; fewer may be a clock that is set right.
_SLOW_STEPS: Final = 5
#: Steps in a row that are too large for it though nothing was waited for; fewer may be silence that was not sent.
_FAST_STEPS: Final = 25


def check_steps(
    source: Sequence[tuple[float, RtpPacket, object]], codecs: Mapping[int, Codec], *, encrypted: bool
) -> Iterator[Finding]:
    """RFC 3550 section 5.1: timestamps increment as time does, by as much as there is sound in a packet.

    ``source`` are the packets of one SSRC, when each was sent, and what findings show of it. Compared are neighbours by
    sequence number with one payload type alone, so that events, comfort noise and what is lost count for nothing. A
    packet with the marker may begin after silence anywhere. ``encrypted`` payloads tell nothing of their sound.
    """
    slow: list[object] = []
    fast: list[object] = []
    said = waited = held = 0.0  # held: how much later the packet before came than the one that came soonest
    for (before_at, before, shown_before), (at, packet, shown) in pairwise(source):
        codec = codecs.get(packet.payload_type)
        step = (packet.sequence_number - before.sequence_number) % _NUMBERS
        if codec is None or packet.marker or step != 1 or packet.payload_type != before.payload_type:
            slow, fast, held = [], [], 0.0
            continue
        moved = (packet.timestamp - before.timestamp) % _WORD
        if moved >= _WORD // 2:
            return  # backwards, which is found elsewhere
        ahead = moved / codec.clock_rate - (at - before_at)
        if ahead - held > _AHEAD:
            clause = "the timestamp goes on as time does"
            seen = f"{moved / codec.clock_rate:.3f} s by the timestamp in {at - before_at:.3f} s, without a marker"
            yield _finding(clause, seen, shown_before, shown)
            return
        held = max(held - ahead, 0.0)
        sound = len(before.payload)
        if encrypted or codec.encoding.lower() not in _OCTET_A_TICK or codec.channels != 1 or not sound:
            continue
        slow = [*slow, shown] if moved * 2 < sound else []
        if len(slow) >= _SLOW_STEPS:
            clause = "the timestamp increments by as much as was sampled"
            yield _finding(clause, f"steps of {moved} after packets of {sound} samples", slow[0], shown)
            return
        if moved * 2 < sound * 3:
            fast = []
            continue
        if not fast:
            said = waited = 0.0
        fast, said, waited = [*fast, shown], said + moved / codec.clock_rate, waited + at - before_at
        if len(fast) >= _FAST_STEPS and waited < said * 0.75:
            clause = "the timestamp increments by as much as was sampled"
            yield _finding(clause, f"steps of {moved} after packets of {sound} samples", fast[0], shown)
            return


def _finding(clause: str, seen: str, *shown: object) -> Finding:
    return Finding(source=_SECTION, force=Force.MUST, clause=clause, seen=seen, messages=shown)
