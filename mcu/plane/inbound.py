"""What comes in from all legs whose stream is in steady flow: packets in, one frame of each at every tick.

It does to the numbers of `rtp.SteadyInbound` what `rtp.MediaStream` would do, sample for sample: a property of the
tests drives both with the same packets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from mcu.plane.coding import TABLED, decode
from mcu.plane.columns import FRAME, Columns, Flags, Octets, Real, Rows, Samples, Whole, np
from mcu.plane.secure import Secure
from rtp import DelayLimits, JitterBufferConfig, SteadyBuffer, SteadyDelay, SteadyInbound

PACKET: Final = 12 + FRAME  #: octets of an ordinary packet in clear
#: Frames that have a place: what was played last, and 140 ms that wait. A leg with more is for its stream.
_RING: Final = 8
_MOST: Final = _RING - 2
_WIRE: Final = np.dtype(
    [
        ("first", "u1"),
        ("second", "u1"),
        ("number", ">u2"),
        ("time", ">u4"),
        ("ssrc", ">u4"),
        ("payload", "u1", (FRAME,)),
    ]
)


class Inbound(Columns):
    """See the module. A row is ``playing`` when its leg is in steady flow and hears its source."""

    FRESH: ClassVar[dict[str, tuple[Any, Any, tuple[int, ...]]]] = {
        "playing": (np.bool_, False, ()),
        "length": (np.int64, PACKET, ()),
        "ssrc": (np.int64, 0, ()),
        "payload_type": (np.int64, 0, ()),
        "coding": (np.intp, 0, ()),
        "number": (np.int64, 0, ()),
        "time": (np.int64, 0, ()),
        "arrival": (np.float64, 0.0, ()),
        "reported": (np.float64, 0.0, ()),
        "jitter": (np.float64, 0.0, ()),
        "target": (np.float64, 0.0, ()),
        "early": (np.float64, 0.0, ()),
        "peak": (np.float64, 0.0, ()),
        "goal": (np.float64, 0.0, ()),
        "settled": (np.bool_, False, ()),
        "arrived": (np.int64, 0, ()),
        "played": (np.int64, 0, ()),
        "waiting": (np.int64, 0, ()),
        "head": (np.int64, 0, ()),
        "ring": (np.dtype("<i2"), 0, (_RING, FRAME)),
    }
    playing: Flags
    length: Whole  #: octets of an ordinary packet as it comes
    ssrc: Whole
    payload_type: Whole
    coding: Rows
    number: Whole  #: sequence number of the packet that is to come
    time: Whole  #: its timestamp
    arrival: Real
    reported: Real  #: jitter as it is reported to the peer
    jitter: Real  #: as the buffer measures it
    target: Real
    early: Real
    peak: Real
    goal: Real
    settled: Flags
    arrived: Whole
    played: Whole
    waiting: Whole  #: frames
    head: Whole  #: place of the next one in the ring
    ring: Samples

    def __init__(self, config: JitterBufferConfig) -> None:
        super().__init__()
        rate = self._rate = config.clock_rate
        self._shortest, self._longest = round(config.min_delay * rate), round(config.max_delay * rate)
        self._capacity = round(config.capacity * rate)
        self._limits = DelayLimits.of(frame=FRAME, shortest=self._shortest, longest=self._longest)

    # Streams in steady flow come and go ------------------------------------------------------------------------------

    def fits(self, steady: SteadyInbound) -> bool:
        """Whether there is a place for it."""
        fits = len(steady.buffer.waiting) <= _MOST and len(steady.buffer.last) == 2 * FRAME
        return fits and steady.coding in TABLED

    def begin(self, row: int, steady: SteadyInbound) -> None:
        """Play the part of a stream that is in steady flow."""
        buffer, delay = steady.buffer, steady.buffer.delay
        self.playing[row] = True
        self.ssrc[row], self.payload_type[row] = steady.ssrc, steady.payload_type
        self.length[row] = PACKET + steady.overhead
        self.coding[row] = TABLED.index(steady.coding)
        self.number[row], self.time[row], self.arrival[row] = steady.next_number, steady.next_timestamp, steady.arrival
        self.reported[row], self.jitter[row], self.target[row] = steady.jitter, buffer.jitter, buffer.target
        self.early[row], self.peak[row], self.goal[row] = delay.early, delay.peak, delay.goal
        self.settled[row] = delay.settled
        self.arrived[row] = self.played[row] = 0
        self.waiting[row], self.head[row] = len(buffer.waiting), 1
        sound = np.frombuffer(b"".join([buffer.last, *buffer.waiting]), dtype="<i2").reshape(-1, FRAME)
        self.ring[row, : len(sound)] = sound

    def end(self, row: int, steady: SteadyInbound) -> None:
        """Write into ``steady``, with which it began, how far it has come."""
        head, ring = int(self.head[row]), self.ring[row]
        steady.next_number, steady.next_timestamp = int(self.number[row]), int(self.time[row])
        steady.arrival, steady.jitter = float(self.arrival[row]), float(self.reported[row])
        steady.arrived = int(self.arrived[row])
        early, peak, goal = float(self.early[row]), float(self.peak[row]), float(self.goal[row])
        steady.buffer = SteadyBuffer(
            jitter=float(self.jitter[row]),
            target=int(self.target[row]),
            delay=SteadyDelay(early, peak, goal, bool(self.settled[row])),
            waiting=[ring[(head + each) % _RING].tobytes() for each in range(int(self.waiting[row]))],
            last=ring[(head - 1) % _RING].tobytes(),
            played=int(self.played[row]),
        )
        self.playing[row] = False

    # Packets ---------------------------------------------------------------------------------------------------------

    def receive(self, row: Rows, packets: Sequence[bytes], at: Real, secure: Secure) -> Rows:
        """Take packets of the length of ordinary ones, each from the address of the source of its row, in order of
        arrival.

        Returns which of them are no ordinary ones, by their places: nothing has come of these, nor of those of the same
        row after one of them.
        """
        count = len(row)
        refused: list[Rows] = []
        if not count:
            return np.zeros(0, dtype=np.intp)
        heads = b"".join([packet[:PACKET] for packet in packets] if secure.opens else packets)
        wire = np.frombuffer(bytearray(heads) if secure.opens else heads, dtype=_WIRE)
        fields = (wire["first"], wire["second"], *(wire[name].astype(np.int64) for name in ("number", "time", "ssrc")))
        payload = wire["payload"]
        barred = np.zeros(self.size, dtype=np.bool_)
        barred[row] = True
        once = np.count_nonzero(barred) == count
        barred[row] = False
        for places in (np.arange(count),) if once else _rounds(row):
            these = row[places]
            fit = self._fit(these, barred, *(field[places] for field in fields))
            wrong = places[~fit]
            places, these = places[fit], these[fit]
            if secure.opens:
                authentic, unknown = secure.open(places, these, packets, payload, at)
                wrong = np.concatenate([wrong, places[unknown]])
                places, these = places[authentic], these[authentic]
            if len(wrong):
                barred[row[wrong]] = True
                refused.append(wrong)
            if len(places):
                self._take(these, payload[places], at[places])
        return np.concatenate(refused) if refused else np.zeros(0, dtype=np.intp)

    def _fit(
        self, row: Rows, barred: Flags, first: Octets, second: Octets, number: Whole, time: Whole, ssrc: Whole
    ) -> Flags:
        """Which packets are ordinary ones."""
        waiting = self.waiting[row]
        fit: Flags = self.playing[row] & (first == 0x80) & ((second & 0x7F) == self.payload_type[row])
        fit &= (number == self.number[row]) & (time == self.time[row]) & (ssrc == self.ssrc[row])
        # A marker where nothing waits any more lets the buffer choose its play point anew.
        fit &= (waiting < _MOST) & ((second < 0x80) | (waiting > 0))
        return fit & ~barred[row]

    def _take(self, row: Rows, payload: Octets, at: Real) -> None:
        limits, waiting = self._limits, self.waiting[row]
        places = row * _RING + (self.head[row] + waiting) % _RING
        self.ring.reshape(-1, FRAME)[places] = decode(self.coding[row], payload)
        difference = np.abs((at - self.arrival[row]) * self._rate - FRAME)
        reported, jitter = self.reported[row], self.jitter[row]
        self.reported[row] = np.where(difference < 2 * self._rate, reported + (difference - reported) / 16, reported)
        jitter = np.where(difference < self._capacity, jitter + (difference - jitter) * limits.smoothing, jitter)
        self.jitter[row] = jitter
        target = np.maximum(self._shortest, np.minimum(self._longest, np.rint(2 * jitter) + FRAME))
        early, smoothed, peak = FRAME * waiting, self.early[row], self.peak[row]
        smoothed = smoothed + (early - smoothed) * limits.smoothing
        peak = peak + (smoothed - peak) * limits.peak_decay
        peak = np.where(early > peak, early, peak)
        goal = limits.longest - peak + smoothed
        goal = np.where(goal > target, target, np.maximum(goal, limits.shortest))
        excess = smoothed - goal
        self.target[row], self.early[row], self.peak[row], self.goal[row] = target, smoothed, peak, goal
        self.settled[row] = (limits.least <= excess) & (excess <= limits.most)
        self.waiting[row] = waiting + 1
        self.arrived[row] += 1
        self.arrival[row] = at
        self.number[row] = self.number[row] + 1 & 0xFFFF
        self.time[row] = self.time[row] + FRAME & 0xFFFF_FFFF

    # Frames ----------------------------------------------------------------------------------------------------------

    def stalled(self) -> list[int]:
        """Rows whose next frame is missing, or is not to be played as it is: their streams know what to do."""
        size = self.size
        ready = (self.waiting[:size] > 0) & self.settled[:size]
        found: list[int] = np.nonzero(self.playing[:size] & ~ready)[0].tolist()
        return found

    def pop(self) -> tuple[Rows, Samples]:
        """The rows that play, none of which is stalled, and the frame of each."""
        rows = np.nonzero(self.playing[: self.size])[0]
        head = self.head[rows]
        frames = self.ring.reshape(-1, FRAME).take(rows * _RING + head, axis=0)
        self.head[rows] = (head + 1) % _RING
        self.waiting[rows] -= 1
        self.played[rows] += 1
        return rows, frames


def _rounds(row: Rows) -> list[Rows]:
    """Places in turn: first the first one of each row, then the second ones, and so on."""
    order = np.argsort(row, kind="stable")
    ordered = row[order]
    starts = np.nonzero(np.r_[True, ordered[1:] != ordered[:-1]])[0]
    nth = np.arange(len(row)) - np.repeat(starts, np.diff(np.r_[starts, len(row)]))
    return [np.sort(order[nth == each]) for each in range(int(nth.max()) + 1)]
