"""Sending and receiving telephone events (RFC 4733 section 2.5)."""

from __future__ import annotations

from collections import deque
from typing import Final

import attrs

from rtp.codecs.pcm import SAMPLE_RATE
from rtp.errors import LocalProtocolError
from rtp.events import MediaEvent, TelephoneEventEnded, TelephoneEventStarted
from rtp.packets.telephone_event import DIGITS, TelephoneEvent, event_of

_LONGEST_SEGMENT: Final = 0xFFFF  #: timestamp units in one segment (section 2.5.1.3)
_NEARLY_FULL: Final = 0xF000  #: timestamp units; from here on the next segment may begin any time
_END_PACKETS: Final = 3  #: the last packet is sent this often (section 2.5.1.4)
_REPEATS: Final = 0.06  #: s in which the end packets of a short key are sent, whatever the gateway numbers them
_OVERTAKEN: Final = 1.0  #: s after which a packet of an earlier time is no late one of the last key any more
_LOST_UPDATES: Final = 3  #: update intervals without a packet that end an event (section 2.5.2.2)


def _signed(difference: int) -> int:
    return (difference + 0x8000_0000 & 0xFFFF_FFFF) - 0x8000_0000


class _Running:
    """The event that goes on."""

    __slots__ = ("before", "duration", "event", "heard", "timestamp")

    def __init__(self, report: TelephoneEvent, timestamp: int, now: float) -> None:
        self.event = report.event
        self.timestamp = timestamp  #: of the current segment
        self.before = 0  #: duration of the earlier segments
        self.duration = report.duration
        self.heard = now

    def is_segment(self, report: TelephoneEvent, timestamp: int) -> bool:
        """Whether a packet with another timestamp is the next segment of the same event."""
        step = (timestamp - self.timestamp) & 0xFFFF_FFFF
        if report.event != self.event or not self.duration <= step <= _LONGEST_SEGMENT:
            return False
        # Near the end of a segment its last updates may be lost; elsewhere a gap means the key was pressed again.
        return step == self.duration or self.duration >= _NEARLY_FULL

    def overlaps(self, report: TelephoneEvent, timestamp: int) -> bool:
        """Whether a packet says that the same event began while it went on: its sender numbers each packet anew."""
        return report.event == self.event and 0 < (timestamp - self.timestamp) & 0xFFFF_FFFF < self.duration


@attrs.frozen
class _Ended:
    """The event that ended last."""

    event: int
    timestamp: int  #: of its last segment
    duration: int  #: of that segment
    at: float  #: s

    def is_repeated_by(self, report: TelephoneEvent, timestamp: int, clock_rate: int, now: float) -> bool:
        """Whether a packet belongs to it.

        A late packet has an earlier timestamp, or the same. Some gateways give each of the three end packets a
        timestamp of its own: then it lies within the event, or the event would have had to begin before the last one
        ended, which no finger can do.
        """
        step = _signed(timestamp - self.timestamp)
        if -_LONGEST_SEGMENT <= step <= 0 and now - self.at < _OVERTAKEN:
            return True
        if report.event != self.event or not 0 <= step <= _LONGEST_SEGMENT:
            return False
        if step < self.duration:
            return True
        return report.end and now - self.at < max(min(report.duration, self.duration) / clock_rate, _REPEATS)


class DtmfReceiver:
    """Turns the packets of one source into started and ended events, each reported once.

    A packet belongs to the event with its timestamp, whatever its sequence number, so repeated and reordered packets
    do no harm.
    """

    def __init__(self, *, clock_rate: int = SAMPLE_RATE, update_interval: float = 0.05) -> None:
        self._clock_rate = clock_rate
        self._patience = _LOST_UPDATES * update_interval
        self._running: _Running | None = None
        self._ended: _Ended | None = None

    @property
    def active(self) -> bool:
        """Whether an event goes on, during which its source is not heard."""
        return self._running is not None

    def receive(self, report: TelephoneEvent, timestamp: int, *, now: float) -> list[MediaEvent]:
        """Take one packet and return what begins or ends with it."""
        running = self._running
        if running is None:
            ended = self._ended
            if ended is not None and ended.is_repeated_by(report, timestamp, self._clock_rate, now):
                return []
            return self._start(report, timestamp, now)
        if timestamp == running.timestamp or running.overlaps(report, timestamp):
            return self._update(running, report, now)
        if running.is_segment(report, timestamp):
            running.before += (timestamp - running.timestamp) & 0xFFFF_FFFF
            running.timestamp, running.duration = timestamp, 0
            return self._update(running, report, now)
        if -_LONGEST_SEGMENT <= _signed(timestamp - running.timestamp) < 0 and now - running.heard < _OVERTAKEN:
            return []
        return [*self._end(running, end_seen=False, now=running.heard), *self._start(report, timestamp, now)]

    def _start(self, report: TelephoneEvent, timestamp: int, now: float) -> list[MediaEvent]:
        self._running = running = _Running(report, timestamp, now)
        digit = report.digit
        return [TelephoneEventStarted(event=report.event, digit=digit), *self._update(running, report, now)]

    def _update(self, running: _Running, report: TelephoneEvent, now: float) -> list[MediaEvent]:
        running.duration = max(running.duration, report.duration)
        running.heard = now
        return self._end(running, end_seen=True, now=now) if report.end else []

    def _end(self, running: _Running, *, end_seen: bool, now: float) -> list[MediaEvent]:
        self._running = None
        self._ended = _Ended(running.event, running.timestamp, running.duration, now)
        digit = DIGITS[running.event] if running.event < len(DIGITS) else None
        duration = (running.before + running.duration) / self._clock_rate
        return [TelephoneEventEnded(event=running.event, digit=digit, duration=duration, end_seen=end_seen)]

    def next_timeout(self) -> float | None:
        """Return when ``handle_timeout`` is due (monotonic seconds); None when no event is open."""
        return None if self._running is None else self._running.heard + self._patience

    def handle_timeout(self, *, now: float) -> list[MediaEvent]:
        """Give up events whose end did not come, and return them; then read ``next_timeout`` again."""
        running = self._running
        if running is None or now < running.heard + self._patience:
            return []
        return self._end(running, end_seen=False, now=running.heard)

    def reset(self) -> list[MediaEvent]:
        """The source changed: what went on is over."""
        running = self._running
        ended = self._end(running, end_seen=False, now=running.heard) if running is not None else []
        self._ended = None
        return ended


@attrs.frozen
class EventPacket:
    """One packet of an event to be sent."""

    report: TelephoneEvent
    timestamp: int
    marker: bool
    repeated: bool  #: an end that was sent before


@attrs.frozen
class _Key:
    event: int
    duration: int  #: timestamp units
    pause: int  #: timestamp units of ordinary sound after it


class DtmfSender:
    """Plays keys one after the other, one packet in each frame.

    ``advance`` is called once a frame with the timestamp of its first sample.
    """

    def __init__(self, *, clock_rate: int = SAMPLE_RATE, volume: int = 10, max_queued: int = 64) -> None:
        self._clock_rate = clock_rate
        self._volume = volume
        self._max_queued = max_queued  #: keys; more than anybody dials at once
        self._queue: deque[_Key] = deque()
        self._key: _Key | None = None
        self._segment = 0  #: timestamp at which the current segment began
        self._in_segment = 0
        self._total = 0
        self._ends = 0
        self._pause = 0

    @property
    def active(self) -> bool:
        """Whether a key is being sent."""
        return self._key is not None or bool(self._queue)

    def start(self, digits: str, *, duration: float = 0.1, pause: float = 0.06) -> None:
        """Queue keys; ``duration`` and ``pause`` in seconds. Raises LocalProtocolError for what is not a key."""
        if len(self._queue) + len(digits) > self._max_queued or not 0.0 < duration <= 60.0 or pause < 0.0:
            raise LocalProtocolError(f"more than {self._max_queued} keys, or a duration that is not up to 60 s")
        lengths = round(duration * self._clock_rate), round(pause * self._clock_rate)
        self._queue.extend([_Key(event_of(digit), *lengths) for digit in digits])

    def advance(self, timestamp: int, samples: int) -> EventPacket | None:
        """The packet of this frame; None when ordinary sound may go out."""
        if self._pause > 0:
            self._pause -= samples
            return None
        marker = self._key is None
        if marker and not self._begin(timestamp):
            return None
        return self._packet(samples, marker)

    def _begin(self, timestamp: int) -> bool:
        if not self._queue:
            return False
        self._key = self._queue.popleft()
        self._segment, self._in_segment, self._total, self._ends = timestamp, 0, 0, 0
        return True

    def _packet(self, samples: int, marker: bool) -> EventPacket:
        key = self._key
        assert key is not None
        if not self._ends:
            step = min(samples, key.duration - self._total)
            if self._in_segment + step > _LONGEST_SEGMENT:
                self._segment = (self._segment + self._in_segment) & 0xFFFF_FFFF
                self._in_segment = 0
            self._in_segment += step
            self._total += step
        repeated = self._ends > 0
        end = self._total >= key.duration
        report = TelephoneEvent(key.event, end, self._volume, self._in_segment)
        if end:
            self._ends += 1
            if self._ends == _END_PACKETS:
                self._key, self._pause = None, key.pause
        return EventPacket(report, self._segment, marker, repeated)
