"""The media plane: sound of all legs of all conferences of one MCU.

Most of what a conferencing server does is always the same: a packet of 20 ms of G.711 comes from where the one before
came from, it is next in line, it waits for its turn, it is mixed, and a packet with the mix leaves. An object for each
of these packets would cost more than all that is done with them. So a leg has two forms. Its `rtp.MediaStream` can do
everything, and does it packet by packet. When nothing but ordinary packets come, the stream is in steady flow: it gives
its numbers to the plane (`rtp.SteadyFlow`), which has those of all legs in arrays, and does with a few calls for all
legs at once what each stream would have done. As soon as anything else happens to a leg, its numbers go back to its
stream:

- a packet comes that is no ordinary one: keys, comfort noise, RTCP, another length, another source, a gap;
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
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Final

import attrs

from mcu.audio.active_speaker import ActiveSpeaker, SpeakerSettings
from mcu.audio.level_meter import LevelMeter
from mcu.audio.mixer_settings import MixerSettings
from mcu.audio.prompts import RATE, Playback
from mcu.events import LegId
from mcu.plane.arrivals import Arrived, candidates
from mcu.plane.coding import NUMBERS, encode, payloads
from mcu.plane.columns import FRAME, Octets, Real, Rows, Samples, Whole, np
from mcu.plane.conference_audio import ConferenceAudio
from mcu.plane.inbound import Inbound
from mcu.plane.legs import Legs
from mcu.plane.line import Broken, Line, Sent
from mcu.plane.mixing import Mixed, Mixing
from mcu.plane.outbound import Outbound
from mcu.plane.secure import Secure
from mcu.plane.speaking import Speaking
from rtp import JitterBufferConfig, MediaCounters, MediaEvent, MediaStream, Outgoing

#: With so many legs and more the plane mixes with arrays, and as soon as they are fewer than half as many leg by leg
#: again: some two hundred calls for all legs cost as much as ten legs do one by one, each tick.
ENOUGH: Final = 24
#: Ticks for which a leg is left to its stream after RTP came that was no ordinary packet: mostly more of it follows,
#: and to change the form of a leg costs as much as some packets do.
_REST: Final = 5


class MediaPlane:
    """See the module. Needs numpy (extra ``mcu``)."""

    def __init__(
        self,
        mixer: MixerSettings | None = None,
        *,
        speaker: SpeakerSettings | None = None,
        level_interval: float | None = None,
        jitter: JitterBufferConfig | None = None,
        counters: Counter[str] | None = None,
        enough: int = ENOUGH,
    ) -> None:
        self.counters: Counter[str] = Counter() if counters is None else counters
        self._speaker, self._level_interval = speaker or SpeakerSettings(), level_interval
        self.mixing = Mixing(mixer or MixerSettings())
        self.speaking = Speaking(self._speaker, level_interval)
        self.conferences: list[ConferenceAudio] = []
        self.arrays = False  #: whether what is remembered for the mix is in ``mixing``, or in a `Mixer` each
        self._enough = enough
        self.broken: list[Broken] = []  #: who ticks takes them out
        self._jitter = jitter or JitterBufferConfig()
        self._inbound = Inbound(self._jitter)
        self._outbound = Outbound()
        self._legs = Legs()
        self._secure = Secure(self._legs, broken=self.broken, forged=self._forged)
        self._slow: dict[LegId, Line] = {}  #: those that are not in steady flow
        self._playing: dict[LegId, Line] = {}  #: those that hear something in place of the mix
        self._coding = np.zeros(0, dtype=np.intp)  #: of what each row hears, -1 for one that has no table
        self._due: Real = np.zeros(0)  #: when the stream of each row wants its timer
        self._ticks = 0

    # Conferences and legs --------------------------------------------------------------------------------------------

    def open(self, conference: str) -> ConferenceAudio:
        """Mix one conference more."""
        meter: LevelMeter[LegId] | None = None if self._level_interval is None else LevelMeter(self._level_interval)
        speaker: ActiveSpeaker[LegId] = ActiveSpeaker(self._speaker)
        opened = ConferenceAudio(self, conference, len(self.conferences), speaker=speaker, meter=meter)
        self.conferences.append(opened)
        self.mixing.conferences = len(self.conferences)
        self.speaking.floors.append()
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
        self.speaking.floors.remove(conference.index)

    def add(self, leg: LegId, stream: MediaStream, conference: ConferenceAudio) -> Line:
        """Let a leg take part from the next tick on."""
        codec = stream.agreement.codec.encoding.upper()
        row = self.mixing.add(conference.index, leg)
        for columns in (self.speaking, self._inbound, self._outbound, self._secure):
            columns.append()
        line = Line(leg, row, codec, stream, self.recall)
        self._legs.add(line)
        self._slow[leg] = line
        self._due = np.append(self._due, -np.inf)
        self._coding = np.append(self._coding, NUMBERS.get(codec, -1))
        if self.arrays:
            self.mixing.take(row, conference.mixer.channel(leg))
        elif len(self._legs) >= self._enough:
            self._use_arrays()
        return line

    def remove(self, line: Line) -> None:
        """Forget a leg; its stream has all that came and went."""
        self.recall(line)
        del self._slow[line.leg]
        self._playing.pop(line.leg, None)
        row = line.row
        self._legs.remove(line)
        for columns in (self.mixing, self.speaking, self._inbound, self._outbound, self._secure):
            columns.remove(row)
        for column in (self._due, self._coding):
            column[row] = column[-1]
        self._due, self._coding = self._due[:-1], self._coding[:-1]
        if self.arrays and len(self._legs) < self._enough // 2:
            self._use_objects()

    def _use_arrays(self) -> None:
        self.arrays = True
        for conference in self.conferences:
            conference.to_arrays()

    def _use_objects(self) -> None:
        self.arrays = False
        for line in self._legs.lines:
            self.recall(line)
        for conference in self.conferences:
            conference.from_arrays()

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
        self._legs.end(line)
        self._secure.end(line)
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
        self._outbound.begin(line.row, flow.outbound)
        self._legs.begin(line, flow)
        self._secure.begin(line, flow)
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

    def receive(self, batch: Sequence[Arrived], happened: Callable[[LegId, list[MediaEvent], float], None]) -> None:
        """Take in what came, in order of arrival; ``happened`` is told of events."""
        if not self.arrays or not batch:
            for arrived in batch:
                self._receive_slowly(arrived, happened)
            return
        found = candidates(batch, self._legs, self._inbound.length)
        refused = self._inbound.receive(found.rows, found.packets, found.arrivals, self._secure)
        others = found.others
        if len(refused):
            others = np.sort(np.concatenate([others, found.places[refused]]))
        for place in others.tolist():
            self._receive_slowly(batch[place], happened)

    def _forged(self, line: Line, at: float) -> None:
        """A packet that its stream found to be none, which costs as much as any that is no ordinary one."""
        if not line.own.take(at):  # each that follows is asked for its allowance first
            line.rests_until = self._ticks + _REST
            self.recall(line)

    def _receive_slowly(self, arrived: Arrived, happened: Callable[[LegId, list[MediaEvent], float], None]) -> None:
        """A packet that is for the stream of its leg."""
        leg, kind, data, source, at = arrived
        line = self._legs.by_leg.get(leg)
        if line is None:  # it has ended, perhaps by what came before
            self.counters["datagrams without leg"] += 1
            return
        try:
            if not line.allows(source[0], at):
                self.counters["packets beyond the allowance of a leg"] += 1
                return
            if line.flow is not None and kind == "rtp":
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
        lines = self._legs.lines
        return [lines[row] for row in np.nonzero(self._due <= now)[0].tolist()]

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
            if conference.announcements.sounds and conference.lines:
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
            self.recall(self._legs.lines[row])
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
            conference.record(mixed.shared(np.array([conference.index])).tobytes(), frame_of)

    def _measure(self, mixed: Mixed, now: float) -> list[ConferenceAudio]:
        """Tell each conference how loud who is, and find out who has the floor."""
        size, mixing, speaking = len(self._legs), self.mixing, self.speaking
        conference, legs = mixing.conference[:size], mixing.source_id[:size]
        rows, energies = mixed.energy_rows, mixed.energies
        if self._level_interval is not None:
            for each in self.conferences:
                each.levels = None
            for index, levels in speaking.levels(conference, legs, rows, energies, now=now):
                self.conferences[index].levels = levels
        return [self.conferences[each] for each in speaking.update(conference, legs, rows, energies, now=now)]

    # Packets out -----------------------------------------------------------------------------------------------------

    def _send(self, mixed: Mixed, now: float, out: list[Sent]) -> None:
        legs = self._legs
        payload = payloads(mixed, self.mixing.conference[: len(legs)], self._coding)
        alone = self._alone(payload, mixed.csrc_counts)
        rows = self._outbound.admitted(now)
        self._outbound.pass_over(rows)
        csrc, counts = mixed.csrc, mixed.csrc_counts
        name, destination = legs.names.__getitem__, legs.destinations.__getitem__
        for group, packets in self._outbound.packets(rows, payload, csrc, counts, secure=self._secure, now=now):
            out += zip(map(name, group), repeat("rtp"), packets, map(destination, group), strict=False)
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
