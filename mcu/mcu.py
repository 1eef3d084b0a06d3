"""The A/V MCU: a conferencing server that is a media machine, too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from c3p import DisconnectionMethod
from mcu.commands.sound import SoundCommands
from mcu.conferencing_server import ConferencingServer
from mcu.config import McuConfig
from mcu.context import Context, Wait
from mcu.events import LegId, MediaPortReleased
from mcu.kind import AUDIO_VIDEO
from mcu.leg import Disconnection, Leg, MediaAddress
from mcu.leg_state import State
from mcu.legs.hold import Holds
from mcu.legs.liveness import Liveness
from mcu.legs.renegotiation import BODIES, Renegotiation
from mcu.legs.termination import Termination, disconnection_of
from mcu.media import Media
from mcu.media_control import MediaControl
from mcu.outcome import Ending
from mcu.policy import DialOutPolicy, DialOutRules
from sip import Entropy, Event, RequestFailed, ResponseReceived

if TYPE_CHECKING:
    from sip import Endpoint


class Mcu(ConferencingServer):
    """One A/V MCU.

    Needs numpy (extra ``mcu``); raises ``MissingExtra`` without it. After every call drain the endpoint,
    ``c3p_to_send()`` and ``take_events()``, and read ``next_timeout()`` and ``next_tick()`` again.
    """

    def __init__(
        self, endpoint: Endpoint, config: McuConfig, *, entropy: Entropy, policy: DialOutPolicy | None = None
    ) -> None:
        self.config = config
        context = Context(endpoint, config, kind=AUDIO_VIDEO, entropy=entropy, policy=policy or DialOutRules())
        self._media = Media(context, config)
        termination = Termination(context, self._media)
        renegotiation = Renegotiation(context, self._media)
        self._liveness = Liveness(context, config, termination, renegotiation)
        self._holds = Holds(context, config, self._media, renegotiation)
        #: gains, keys, hold, announcements, recordings
        self.media_control = MediaControl(context, config, self._media, self._holds)
        rows = SoundCommands(context, self.media_control).rows
        super().__init__(
            context, self._media, termination, renegotiation, self, prompter=self._media, accept=BODIES, rows=rows
        )

    @property
    def media_counters(self) -> Mapping[str, int]:
        """Packets of all legs that are and were, by what became of them; see `rtp.MediaCounters`."""
        return self._media.totals()

    # Requests of ours in sessions -----------------------------------------------------------------------------------

    def answered(self, event: ResponseReceived | RequestFailed, *, now: float) -> None:
        """Not for applications: a request of ours has ended."""
        if not self._holds.answered(event, now=now):
            self._liveness.answered(event, now=now)

    def watch(self, leg: Leg, *, now: float) -> None:
        """Not for applications: a leg is connected, or gave a sign of life."""
        self._liveness.watch(leg, now=now)

    # Media -----------------------------------------------------------------------------------------------------------

    def media_opened(
        self, leg: LegId, *, rtp: tuple[str, int], rtcp: tuple[str, int], advertised: str, now: float
    ) -> list[Event]:
        """Answer ``MediaPortWanted``; ``advertised`` is the address that the far end is to send to.

        Then drain and read ``next_timeout``.
        """
        known = self._context.legs.get(leg)
        if known is None or known.ports is not None:
            # It came too late, or twice: nobody needs these ports.
            self._context.emit(MediaPortReleased(owner=self.owner, leg=leg))
            return self._done(now)
        known.ports = MediaAddress(rtp_port=rtp[1], rtcp_port=rtcp[1], advertised=advertised)
        if known.state is State.OPENING:
            self._dial_out.prepared(known, now=now)
        else:
            self._dial_in.prepared(known, now=now)
        return self._done(now)

    def media_failed(self, leg: LegId, reason: str, *, now: float) -> list[Event]:
        """Answer ``MediaPortWanted``: there is no port. Then drain and read ``next_timeout``."""
        known = self._context.legs.get(leg)
        if known is not None and known.ports is None:
            self._no_port(known, reason, now)
        return self._done(now)

    def _no_port(self, leg: Leg, reason: str, now: float) -> None:
        self._termination.give_up(leg, disconnection_of(Ending.NO_PORT, reason=reason), now=now)

    def receive_media(self, batch: Iterable[tuple[LegId, str, bytes, tuple[str, int], float]]) -> list[Event]:
        """Datagrams from media ports: ``(leg, "rtp" | "rtcp", data, source, arrival)``.

        Then drain and read ``next_timeout``.
        """
        self._media.receive(batch)
        if self._media.broken:
            self._end_broken()
        return self._context.take_events() if self.untaken else []

    def next_tick(self) -> float | None:
        """When ``tick`` is due, every 20 ms; ``None`` while no leg has media."""
        return self._media.next_tick()

    def tick(self, now: float) -> list[tuple[LegId, str, bytes, tuple[str, int]]]:
        """Mix; returns ``(leg, "rtp" | "rtcp", data, destination)``. What happened is in ``take_events``.

        Then drain and read ``next_timeout``.
        """
        out = self._media.tick(now)
        if self._media.broken:
            self._end_broken()
        self._keep(self._done(now))
        return out

    def _end_broken(self) -> None:
        for leg, at in self._media.take_broken():
            failed = Disconnection(method=DisconnectionMethod.FAILED, reason="media failed")
            self._termination.give_up(leg, failed, now=at)

    def _waited_in_vain(self, wait: Wait, leg: Leg, now: float) -> None:
        if wait is Wait.PORT:
            self._no_port(leg, "no media port was opened in time", now)
        elif wait is Wait.MEDIA:
            self._liveness.due(leg, now=now)
        else:
            super()._waited_in_vain(wait, leg, now)
