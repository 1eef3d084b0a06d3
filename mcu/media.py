"""Media of all legs of one MCU: streams, mixers, and the 20 ms grid on which they are mixed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

import attrs

from c3p import EntryExitAnnouncements
from mcu.audio_descriptions import AudioDescriptions
from mcu.conference import Conference
from mcu.config import McuConfig
from mcu.context import Context, Wait
from mcu.events import ActiveSpeakerChanged, AudioLevels, DtmfReceived, LegId, MediaPortReleased, MediaPortWanted
from mcu.identity import conference_id
from mcu.leg import Leg
from mcu.leg_state import State
from mcu.media_peers import MediaPeers
from mcu.medium import Carried
from rtp import (
    Agreement,
    Direction,
    KeyWay,
    MediaCounters,
    MediaEvent,
    MediaStream,
    MediaStreamConfig,
    SsrcCollided,
    TelephoneEventStarted,
)
from sip import internal_fault

if TYPE_CHECKING:
    from mcu.audio.prompts import Playback
    from mcu.plane.arrivals import Arrived
    from mcu.plane.conference_audio import ConferenceAudio
    from mcu.plane.line import Line, Sent

FRAME = 0.02  #: seconds
EARLY = 1e-6  #: seconds that a tick may come too soon: the clock of a driver and its timers never agree exactly


class Media:
    """Mixers and streams: the medium of an A/V MCU.

    When the stream of a leg raised, which is a fault of ours, an `InternalFault` tells of it, and ``take_broken`` that
    the leg is to end (`sip.faults`).
    """

    def __init__(self, context: Context, config: McuConfig) -> None:
        # Here, so that an MCU without numpy fails when it is made and not when the first phone answers.
        from mcu.plane.plane import MediaPlane

        self._context, self._settings = context, config
        self._peers = MediaPeers(context.emit, owner=config.owner) if config.single_port else None
        self.descriptions = AudioDescriptions(context, config, self._peers)
        self.broken: list[tuple[Leg, float]] = []  #: what `take_broken` gives: legs, and when it happened
        # Whether a silent leg is dead is asked of its dialog: see ``Liveness``.
        self._config = MediaStreamConfig(silence_timeout=None)
        self._trusting = attrs.evolve(self._config, unproven=None)  # the far end does not name others' addresses
        self._plane = MediaPlane(
            config.mixer,
            speaker=config.speaker,
            level_interval=config.level_interval,
            jitter=self._config.jitter,
            counters=context.counters,
        )
        self._lines: dict[LegId, tuple[Leg, Line]] = {}
        self._paced: dict[LegId, Line] = {}  #: those whose packets leave between two frames, too
        self._byes: list[Sent] = []
        #: Asked first about each key that is pressed; true when it is for nobody else.
        self.on_key: Callable[[Leg, str, float], bool] = lambda leg, key, now: False
        self.prompts = config.prompts
        self._released: list[LegId] = []
        self._past: Counter[str] = Counter()  #: packets of legs that are over
        self._origin = 0.0
        self._ticks = 0
        self._running = False

    # Mixers and legs ------------------------------------------------------------------------------------------------

    def open(self, conference: Conference) -> None:
        """Make the mixer of a conference."""
        settings = self._settings
        conference.announcements = EntryExitAnnouncements(
            modifiable=settings.announcements_modifiable, enabled=settings.announcements_enabled
        )
        conference.mixer = self._plane.open(conference.uri)

    def close(self, conference: Conference) -> None:
        """Mix no more."""
        conference.mixer.close()

    def prepare(self, leg: Leg, *, now: float) -> bool:
        """Ask for ports: their address is in the SDP."""
        self._context.deadlines.set((Wait.PORT, leg), now + self._settings.media_timeout)
        self._context.emit(MediaPortWanted(owner=self._context.config.owner, leg=leg.id))
        return False

    def connect(self, leg: Leg, *, now: float) -> Carried:
        """Begin to send and receive for a leg; its audio is in the mix from the next tick on."""
        agreement = leg.negotiation.agreement if leg.negotiation is not None else None
        entropy, audio = self._context.entropy, agreement.audio if agreement is not None else None
        assert audio is not None
        leg.direction = audio.direction
        stream = MediaStream(
            audio,
            # RFC 3550 wants any 32 bits, clients of Microsoft any but 0.
            ssrc=entropy.integer(32) or 1,
            sequence_number=entropy.integer(15),
            timestamp=entropy.integer(32),
            cname=entropy.token(12),
            uniform=entropy.uniform,
            now=now,
            wall_clock=self._context.endpoint.wall_clock,
            config=self._trusting if leg.terms.known else self._config,
        )
        leg.line = line = leg.conference.mixer.add(leg.id, stream)
        self._lines[leg.id] = (leg, line)
        self._pace(leg.id, line)
        self.apply_filters(leg)
        if leg.door is None:
            self._announce(leg, self._settings.prompts.entry)
        if not self._running:
            self._running, self._origin, self._ticks = True, now, 1
        return Carried(codec=audio.codec.encoding, encrypted=audio.secure, held=audio.held)

    def renegotiate(self, leg: Leg, agreement: Agreement, *, now: float) -> None:
        """The far end changed address, codec or direction, or switched its audio off."""
        audio = agreement.audio
        leg.direction = audio.direction if audio is not None else Direction.INACTIVE
        line = self._lines[leg.id][1]
        if audio is not None:
            line.stream.update(audio, now=now)
        else:
            line.stream.switch_off(now=now)
        self._plane.changed(line)
        self._pace(leg.id, line)
        self.apply_filters(leg)

    def _pace(self, leg: LegId, line: Line) -> None:
        if line.stream.paced:
            self._paced[leg] = line
        else:
            self._paced.pop(leg, None)

    def apply_filters(self, leg: Leg) -> None:
        """Mute and deafen as roster and hold say. Music on hold is not let into the mix (MS-CONFAV)."""
        if leg.id in self._lines:
            out = leg.state is State.HELD or leg.held_here or leg.door is not None
            leg.conference.mixer.filter(leg.id, muted=leg.ingress_blocked or out, deaf=leg.egress_blocked or out)

    def came_in(self, leg: Leg) -> None:
        """It has gone through its door."""
        self.apply_filters(leg)
        self._announce(leg, self._settings.prompts.entry)

    def play(self, leg: Leg, playback: Playback | None) -> None:
        """Let a leg hear something in place of the mix, until that is over; ``None`` ends it at once."""
        known = self._lines.get(leg.id)
        if known is not None:
            self._plane.play(known[1], playback)

    def release(self, leg: Leg, *, now: float) -> None:
        """The leg is over: say goodbye, and give its ports back after the next tick."""
        known = self._lines.pop(leg.id, None)
        self._paced.pop(leg.id, None)
        if self._peers is not None:
            self._peers.forget(leg.id)
        if known is None:
            self._context.emit(MediaPortReleased(owner=self._context.config.owner, leg=leg.id))
            return
        stream = known[1].stream
        self._past.update(_packets(stream.counters()))
        stream.bye(now=now)
        self._byes += [(leg.id, *sent) for sent in stream.data_to_send()]
        self._released.append(leg.id)
        if leg.door is None:  # else it never came in
            self._announce(leg, self._settings.prompts.exit)
        if leg.conference.mixer.remove(leg.id):
            self._report_speaker(leg.conference.mixer, now)

    @staticmethod
    def _announce(leg: Leg, sound: bytes) -> None:
        """Let everybody hear who comes or goes, where that is wanted."""
        conference = leg.conference
        if conference.announcements is not None and conference.announcements.enabled:
            conference.mixer.announcements.play(sound)

    def totals(self) -> Mapping[str, int]:
        """Packets of all legs that are and were."""
        found = Counter(self._past)
        for _, line in self._lines.values():
            found.update(_packets(self._plane.counters_of(line)))
        return found

    # Packets ---------------------------------------------------------------------------------------------------------

    def receive(self, batch: Iterable[Arrived]) -> None:
        """Take datagrams in; those of legs that are gone are counted."""
        self._plane.receive(list(batch), self._received)
        self._break_legs()

    def _received(self, number: LegId, events: list[MediaEvent], at: float) -> None:
        self._happened(self._lines[number][0], events, at)

    def _happened(self, leg: Leg, events: Iterable[MediaEvent], now: float) -> None:
        for event in events:
            if isinstance(event, TelephoneEventStarted):
                self.key(leg, event.digit or str(event.event), KeyWay.RTP, now=now)
            elif isinstance(event, SsrcCollided) and leg.stream is not None:
                entropy = self._context.entropy
                leg.stream.restart(
                    ssrc=entropy.integer(32) or 1,
                    sequence_number=entropy.integer(15),
                    timestamp=entropy.integer(32),
                    now=now,
                )

    def key(self, leg: Leg, digit: str, way: KeyWay, *, now: float) -> None:
        """A key was pressed: for whoever waits for it, else for the application. One that comes in two ways is one."""
        if leg.pressed.is_press(digit, way, now=now) and not self.on_key(leg, digit, now):
            self._context.emit(DtmfReceived(**leg.about(self._context.config.owner), digit=digit))

    # The grid --------------------------------------------------------------------------------------------------------

    def next_tick(self) -> float | None:
        """When ``tick`` is due; ``None`` while no leg has media."""
        if not self._running:
            return None
        frame = self._origin + self._ticks * FRAME
        departures = [line.stream.next_departure for line in self._paced.values()] if self._paced else ()
        return min((at for at in departures if at is not None and at < frame), default=frame)

    def tick(self, now: float) -> list[Sent]:
        """Mix every frame that is due, at most ``max_catch_up``; older ones are skipped and counted."""
        out, self._byes = self._byes, []
        behind = int((now + EARLY - self._origin) / FRAME) - self._ticks + 1 if self._running else 0
        missed = max(0, behind - self._settings.max_catch_up)
        if behind > 1:
            self._context.counters["late ticks"] += 1
            self._context.counters["skipped frames"] += missed
        for number in range(behind):
            at = self._origin + self._ticks * FRAME
            self._ticks += 1
            self._frame(at, out, skipped=number < missed)
        for leg, line in self._paced.items():
            out += [(leg, *sent) for sent in line.stream.departures(now=now)]
        self._give_back_ports()
        if not self._lines and not self._byes:
            self._running = False
        return out

    def _frame(self, at: float, out: list[Sent], *, skipped: bool) -> None:
        if skipped:
            self._plane.skip(at)
        else:
            for mixer in self._plane.tick(at, out):
                self._report_speaker(mixer, at)
            if self._settings.level_interval is not None:
                for mixer in self._plane.conferences:
                    if mixer.levels is not None:
                        self._report_levels(mixer, mixer.levels)
        self._break_legs()
        for line in self._plane.due(at):
            known = self._lines.get(line.leg)
            if known is None:  # it has ended since
                continue
            try:
                events, reports = self._plane.timeout(line, at)
                out += [(line.leg, *sent) for sent in reports]
                self._happened(known[0], events, at)
            except Exception as error:
                self._break(line.leg, error, "fire a timer of a stream", at)

    def _break_legs(self) -> None:
        while self._plane.broken:
            self._break(*self._plane.broken.pop(0))

    def _break(self, number: LegId, error: Exception, doing: str, now: float) -> None:
        """Tell of a leg whose stream raised, and let it end; a leg breaks once."""
        known = self._lines.pop(number, None)
        if known is None:
            return
        leg = known[0]
        self._past.update(_packets(self._plane.counters_of(known[1])))
        self._context.emit(internal_fault(error, doing, owner=self._context.config.owner))
        if leg.conference.mixer.remove(number):
            self._report_speaker(leg.conference.mixer, now)
        self.broken.append((leg, now))

    def take_broken(self) -> list[tuple[Leg, float]]:
        """The legs that cannot be heard any more, since the last call, and when that was seen."""
        broken, self.broken = self.broken, []
        return broken

    def _report_levels(self, mixer: ConferenceAudio, levels: Mapping[LegId, int]) -> None:
        owner = self._context.config.owner
        self._context.emit(AudioLevels(owner=owner, conference=mixer.conference, levels=levels))

    def _give_back_ports(self) -> None:
        released, self._released = self._released, []
        for leg in released:
            self._context.emit(MediaPortReleased(owner=self._context.config.owner, leg=leg))

    def _report_speaker(self, mixer: ConferenceAudio, now: float) -> None:
        known = self._lines.get(mixer.speaker) if mixer.speaker is not None else None
        self._context.emit(
            ActiveSpeakerChanged(
                owner=self._context.config.owner,
                conference=mixer.conference,
                leg=known[0].id if known is not None else None,
                user=known[0].user if known is not None else None,
            )
        )
        conference = self._context.conferences.get(conference_id(mixer.conference) or "")
        if conference is not None and self._settings.speaker_in_roster:
            conference.active_speaker = known[0].user if known is not None else None
            self._context.notify(conference, self._context.documents.view_changed(conference), now=now)


#: Of what a stream counts, the packets; the rest are octets and times.
_PACKETS: Final = tuple(
    name for name in attrs.fields_dict(MediaCounters) if name not in ("sent_octets", "jitter", "round_trip")
)


def _packets(counted: MediaCounters) -> dict[str, int]:
    return {name: getattr(counted, name) for name in _PACKETS}
