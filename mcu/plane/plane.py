"""The media plane: sound of all legs of all conferences of one MCU.

Most of what a conferencing server does is always the same: a packet of 20 ms of G.711 comes from where the one before
came from, it is next in line, it waits for its turn, it is mixed, and a packet with the mix leaves. An object for each
of these packets would cost more than all that is done with them. So a leg has two forms. Its `rtp.MediaStream` can do
everything, and does it packet by packet. When nothing but ordinary packets come, the stream is in steady flow: it gives
its numbers to the plane (`rtp.SteadyFlow`), which has those of all legs in arrays, and does with a few calls for all
legs at once what each stream would have done. As soon as anything else happens to a leg, its numbers go back to its
stream:

- a packet comes that is no ordinary one: keys, comfort noise, RTCP, SRTP, another length, another source, a gap;
- its next frame is missing, or must be played sooner or later than it is its turn;
- a report is due, or somebody outside wants something of the stream.

The stream then goes on by itself until it is in steady flow again. Who sends such packets all the time has a stream all
the time; how many of them it may send is bounded (`mcu.plane.line`). What a leg sends and hears is the same in both
forms, octet for octet, which a property of the tests shows.

The mix is made of arrays for legs of both forms. No clock, no sockets: ``receive`` takes what came since the last tick,
``tick`` gives what is to leave.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

import attrs

from mcu.audio.active_speaker import SpeakerSettings
from mcu.audio.mixer_settings import MixerSettings
from mcu.audio.prompts import RATE, Playback
from mcu.events import LegId
from mcu.plane.coding import NUMBERS, encode, payloads
from mcu.plane.columns import FRAME, Octets, Real, Rows, Samples, Whole, np
from mcu.plane.conference_audio import ConferenceAudio
from mcu.plane.inbound import PACKET, Inbound
from mcu.plane.line import Broken, Line, Sent
from mcu.plane.mixing import Mixed, Mixing
from mcu.plane.outbound import Outbound
from rtp import JitterBufferConfig, MediaCounters, MediaEvent, MediaStream, Outgoing

Arrived = tuple[LegId, str, bytes, tuple[str, int], float]  #: leg, "rtp" or "rtcp", datagram, source, arrival

#: With so many legs and more the plane mixes with arrays, and as soon as they are fewer than half as many leg by leg
#: again: some two hundred calls for all legs cost as much as ten legs do one by one, each tick.
ENOUGH: Final = 24
#: Ticks for which a leg is left to its stream after something came that was no ordinary packet: to change its form
#: costs as much as some packets do.
_REST: Final = 5


class MediaPlane:
    """See the module. Needs numpy (extra ``mcu``)."""

    def __init__(
        self,
        mixer: MixerSettings | None = None,
        *,
        jitter: JitterBufferConfig | None = None,
        counters: Counter[str] | None = None,
        enough: int = ENOUGH,
    ) -> None:
        self.counters: Counter[str] = Counter() if counters is None else counters
        self.mixing = Mixing(mixer or MixerSettings())
        self.conferences: list[ConferenceAudio] = []
        self.arrays = False  #: whether what is remembered for the mix is in ``mixing``, or in a `Mixer` each
        self._enough = enough
        self.broken: list[Broken] = []  #: who ticks takes them out
        self._jitter = jitter or JitterBufferConfig()
        self._inbound = Inbound(self._jitter)
        self._outbound = Outbound()
        self._lines: list[Line] = []  #: by row
        self._by_leg: dict[LegId, Line] = {}
        self._slow: dict[LegId, Line] = {}  #: those that are not in steady flow
        self._playing: dict[LegId, Line] = {}  #: those that hear something in place of the mix
        self._coding = np.zeros(0, dtype=np.intp)  #: of what each row hears, -1 for one that has no table
        self._due: Real = np.zeros(0)  #: when the stream of each row wants its timer
        self._ticks = 0

    # Conferences and legs --------------------------------------------------------------------------------------------

    def open(
        self, conference: str, speaker: SpeakerSettings, *, level_interval: float | None = None
    ) -> ConferenceAudio:
        """Mix one conference more."""
        opened = ConferenceAudio(self, conference, len(self.conferences), speaker, level_interval=level_interval)
        self.conferences.append(opened)
        self.mixing.conferences = len(self.conferences)
        return opened

    def close(self, conference: ConferenceAudio) -> None:
        """It has no legs any more: see `ConferenceAudio.close`."""
        last = self.conferences.pop()
        if last is not conference:
            self.conferences[conference.index] = last
            last.index = conference.index
            for line in last.lines.values():
                self.mixing.conference[line.row] = last.index
        self.mixing.conferences = len(self.conferences)

    def add(self, leg: LegId, stream: MediaStream, conference: ConferenceAudio) -> Line:
        """Let a leg take part from the next tick on."""
        codec = stream.agreement.codec.encoding.upper()
        row = self.mixing.add(conference.index, leg)
        self._inbound.append()
        self._outbound.append()
        line = Line(leg, row, codec, stream, self.recall)
        self._lines.append(line)
        self._by_leg[leg] = self._slow[leg] = line
        self._due = np.append(self._due, -np.inf)
        self._coding = np.append(self._coding, NUMBERS.get(codec, -1))
        if self.arrays:
            self.mixing.take(row, conference.mixer.channel(leg))
        elif len(self._lines) >= self._enough:
            self._use_arrays()
        return line

    def remove(self, line: Line) -> None:
        """Forget a leg; its stream has all that came and went."""
        self.recall(line)
        del self._by_leg[line.leg], self._slow[line.leg]
        self._playing.pop(line.leg, None)
        row, last = line.row, self._lines.pop()
        for columns in (self.mixing, self._inbound, self._outbound):
            columns.remove(row)
        for column in (self._due, self._coding):
            column[row] = column[-1]
        self._due, self._coding = self._due[:-1], self._coding[:-1]
        if last is not line:
            self._lines[row], last.row = last, row
        if self.arrays and len(self._lines) < self._enough // 2:
            self._use_objects()

    def _use_arrays(self) -> None:
        self.arrays = True
        for conference in self.conferences:
            selected = conference.mixer.selected
            for leg, line in conference.lines.items():
                self.mixing.take(line.row, conference.mixer.channel(leg), selected=leg in selected)

    def _use_objects(self) -> None:
        self.arrays = False
        for line in self._lines:
            self.recall(line)
        for conference in self.conferences:
            for leg, line in conference.lines.items():
                self.mixing.give(line.row, conference.mixer.channel(leg))
            conference.mixer.selected = tuple(
                leg for leg, line in conference.lines.items() if self.mixing.selected[line.row]
            )

    def changed(self, line: Line) -> None:
        """A new description: another codec, perhaps; the stream has other times."""
        line.codec = line.stream.agreement.codec.encoding.upper()
        self._coding[line.row] = NUMBERS.get(line.codec, -1)
        self.refresh(line)

    def play(self, line: Line, playback: Playback | None) -> None:
        """Let a leg hear something in place of the mix, until that is over; ``None`` ends it at once."""
        line.playback = playback
        self._playing[line.leg] = line

    def refresh(self, line: Line) -> None:
        """Ask its stream anew when it wants to be called."""
        at = line.stream.next_timeout()
        self._due[line.row] = np.inf if at is None else at

    # Steady flow -----------------------------------------------------------------------------------------------------

    def recall(self, line: Line) -> None:
        """Give the numbers of a leg back to its stream."""
        flow, row = line.flow, line.row
        if flow is None:
            return
        if flow.inbound is not None:
            self._inbound.end(row, flow.inbound)
        self._outbound.end(row, flow.outbound)
        line.flow = line.source = None
        self._slow[line.leg] = line
        line.held.resume(flow)

    def _lend(self, line: Line) -> None:
        """Take the numbers of a leg whose stream is in steady flow."""
        stream = line.stream
        if line.codec not in NUMBERS or stream.config.jitter != self._jitter:
            return
        flow = stream.steady()
        if flow is None or (flow.inbound is not None and not self._inbound.fits(flow.inbound)):
            return
        if flow.inbound is not None:
            self._inbound.begin(line.row, flow.inbound)
            line.source = flow.inbound.source
        self._outbound.begin(line.row, flow.outbound)
        line.flow, line.destination = flow, flow.outbound.destination
        del self._slow[line.leg]

    def counters_of(self, line: Line) -> MediaCounters:
        """What a leg has sent and received so far, without a change of its form."""
        counters, flow, row = line.held.counters(), line.flow, line.row
        if flow is None:
            return counters
        sent = int(self._outbound.sent[row])
        counters = attrs.evolve(
            counters,
            sent=counters.sent + sent,
            sent_octets=counters.sent_octets + sent * FRAME,
            withheld=counters.withheld + int(self._outbound.withheld[row]),
        )
        if flow.inbound is None:
            return counters
        received = counters.received + int(self._inbound.arrived[row])
        return attrs.evolve(counters, received=received, jitter=float(self._inbound.reported[row]) / RATE)

    # Packets ---------------------------------------------------------------------------------------------------------

    def receive(self, batch: Iterable[Arrived], happened: Callable[[LegId, list[MediaEvent], float], None]) -> None:
        """Take in what came, in order of arrival; ``happened`` is told of events."""
        lines, rows, packets, arrivals, places = self._by_leg, [], [], [], []
        slow: list[tuple[int, Arrived]] = []
        barred: set[LegId] = set()
        taken: list[Arrived] = []
        for place, arrived in enumerate(batch):
            leg, kind, data, source, at = arrived
            line = lines.get(leg)
            if line is None:
                self.counters["datagrams without leg"] += 1
            elif source == line.source and len(data) == PACKET and kind == "rtp" and leg not in barred:
                rows.append(line.row)
                packets.append(data)
                arrivals.append(at)
                places.append(place)
                taken.append(arrived)
            else:
                barred.add(leg)
                slow.append((place, arrived))
        if rows:
            refused = self._inbound.receive(rows, packets, arrivals)
            if refused:
                slow += [(places[each], taken[each]) for each in refused]
                slow.sort()
        for _, arrived in slow:
            self._receive_slowly(arrived, happened)

    def _receive_slowly(self, arrived: Arrived, happened: Callable[[LegId, list[MediaEvent], float], None]) -> None:
        """A packet that is for the stream of its leg."""
        leg, kind, data, source, at = arrived
        line = self._by_leg.get(leg)
        if line is None:  # what came before it ended the leg
            return
        try:
            if not line.allows(source[0], at):
                self.counters["packets beyond the allowance of a leg"] += 1
                return
            if line.flow is not None:
                line.rests_until = self._ticks + _REST
            events = line.stream.receive(kind, data, source, now=at)
            if events:
                self.refresh(line)
                happened(leg, events, at)
        except Exception as error:
            self.broken.append((leg, error, f"receive {kind}", at))

    # Time ------------------------------------------------------------------------------------------------------------

    def due(self, now: float) -> list[Line]:
        """The legs whose stream wants its timer."""
        return [self._lines[row] for row in np.nonzero(self._due <= now)[0].tolist()]

    def timeout(self, line: Line, now: float) -> tuple[list[MediaEvent], list[Outgoing]]:
        """What a stream does that wants its timer: events and reports."""
        stream = line.stream
        events, reports = stream.handle_timeout(now=now), stream.data_to_send()
        self.refresh(line)
        if self.arrays and line.rests_until <= self._ticks:
            self._lend(line)
        return events, reports

    def tick(self, now: float, out: list[Sent]) -> list[ConferenceAudio]:
        """One frame for everybody who is in a conference; the conferences whose active speaker changed."""
        self._ticks += 1
        if not self.arrays:
            return [each for each in self.conferences if each.lines and each.tick(now, out, self.broken)]
        rows, frames = self._frames(now)
        announced: dict[int, Samples] = {}
        for conference in self.conferences:
            if conference.lines and conference.announcements.sounds:
                frame = conference.announcements.next_frame()
                if frame is not None:
                    announced[conference.index] = np.frombuffer(frame, dtype="<i2")
        mixed = self.mixing.mix(rows, frames, announced)
        self._record(rows, frames, mixed)
        self._send(mixed, now, out)
        for line in tuple(self._slow.values()):
            if line.rests_until <= self._ticks:
                self._lend(line)
        return self._measure(mixed, now)

    def skip(self, now: float) -> None:
        """A frame that nobody will hear: time lines and buffers go on without it."""
        self._ticks += 1
        for conference in self.conferences:
            if conference.taps:
                conference.record(None, lambda line: None)
        self._frames(now)
        for line in tuple(self._slow.values()):
            try:
                line.stream.send_frame(now=now)
            except Exception as error:
                self.broken.append((line.leg, error, "mix", now))
        self._outbound.admitted(now)
        self._outbound.pass_over()

    def _frames(self, now: float) -> tuple[Rows, Samples]:
        """What comes from each leg that is heard."""
        for row in self._inbound.stalled():
            self.recall(self._lines[row])
        rows, frames = self._inbound.pop()
        more: list[int] = []
        sounds: list[bytes] = []
        for line in tuple(self._slow.values()):
            try:
                pcm = line.stream.pop_frame(now=now)
            except Exception as error:
                self.broken.append((line.leg, error, "mix", now))
                continue
            if pcm is not None and len(pcm) == 2 * FRAME:
                more.append(line.row)
                sounds.append(pcm)
        if more:
            rows = np.concatenate([rows, np.array(more, dtype=np.intp)])
            frames = np.concatenate([frames, np.frombuffer(b"".join(sounds), dtype="<i2").reshape(-1, FRAME)])
        return rows, frames

    def _record(self, rows: Rows, frames: Samples, mixed: Mixed) -> None:
        tapped = [conference for conference in self.conferences if conference.taps and conference.lines]
        place = {row: index for index, row in enumerate(rows.tolist())} if tapped else {}

        def frame_of(line: Line) -> bytes | None:
            return frames[place[line.row]].tobytes() if line.row in place else None

        for conference in tapped:
            conference.record(mixed.whole[conference.index].tobytes(), frame_of)

    def _measure(self, mixed: Mixed, now: float) -> list[ConferenceAudio]:
        """Tell each conference how loud who is."""
        loud: dict[int, dict[LegId, float]] = {}
        conference = self.mixing.conference[mixed.energy_rows].tolist()
        for index, row, energy in zip(conference, mixed.energy_rows.tolist(), mixed.energies.tolist(), strict=True):
            loud.setdefault(index, {})[self._lines[row].leg] = energy
        return [
            each
            for index, each in enumerate(self.conferences)
            if each.lines and (index in loud or not each.waits) and each.measure(loud.get(index, {}), now=now)
        ]

    # Packets out -----------------------------------------------------------------------------------------------------

    def _send(self, mixed: Mixed, now: float, out: list[Sent]) -> None:
        payload = payloads(mixed, self.mixing.conference[: len(self._lines)], self._coding)
        alone = self._alone(payload, mixed.csrc_counts)
        rows, lines = self._outbound.admitted(now), self._lines
        self._outbound.pass_over(rows)
        csrc, counts = mixed.csrc, mixed.csrc_counts
        if len(rows):
            for row, data in self._outbound.packets(rows, payload[rows], csrc[rows], counts[rows], now=now):
                line = lines[row]
                assert line.destination is not None
                out.append((line.leg, "rtp", data, line.destination))
        for line in tuple(self._slow.values()):
            try:
                row, stream = line.row, line.stream
                if self._coding[row] >= 0:
                    given = payload[row].tobytes()
                else:
                    given = stream.encode(alone.get(row) or mixed.heard(row, int(self.mixing.conference[row])))
                contributors = tuple(csrc[row, : counts[row]].tolist())
                for sent in stream.send_frame(payload=given, csrc=contributors, now=now):
                    out.append((line.leg, *sent))
            except Exception as error:
                self.broken.append((line.leg, error, "mix", now))

    def _alone(self, payload: Octets, counts: Whole) -> dict[int, bytes]:
        """What legs hear in place of the mix, by row; encoded where there is a table."""
        alone: dict[int, bytes] = {}
        for line in self._playing.copy().values():
            frame, row = line.frame(), line.row
            if frame is None:
                del self._playing[line.leg]
                continue
            alone[row] = frame
            counts[row] = 0
            if self._coding[row] >= 0:
                payload[row] = encode(int(self._coding[row]), np.frombuffer(frame, dtype="<i2"))
        return alone
