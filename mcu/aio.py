"""Media of an MCU on an asyncio loop: ports on demand, datagrams in batches, a tick every 20 ms.

SIP and C3P have drivers of their own (``sip.aio``, ``c3p.aio``); hand this one the events of the MCU, and call
``rearm`` after anything that may have started or stopped media.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import attrs

from mcu.events import LegId, MediaPeerKnown, MediaPortReleased, MediaPortWanted
from mcu.mcu import Mcu
from rtp.aio import Arrival, MediaPorts, MediaPortsConfig, SharedPort, TraceSink, media_ports
from sip import Event, Rest, internal_fault
from sip.aio import FaultLog

__all__ = ["MediaDriver"]


class MediaDriver:
    """Runs the media of one MCU; to be made on the thread of a running loop, whose clock is the MCU's.

    ``on_events`` gets what media caused: keys, speakers, legs that ended. ``advertise`` is the address that phones
    are told to send to, when it is not the one that ports are bound to.
    """

    def __init__(
        self,
        mcu: Mcu,
        *,
        on_events: Callable[[list[Event]], None],
        ports: MediaPortsConfig | None = None,
        advertise: str | None = None,
        trace: TraceSink | None = None,
    ) -> None:
        self._mcu, self._on_events, self._advertise = mcu, on_events, advertise
        self._loop = asyncio.get_running_loop()
        config = attrs.evolve(ports or MediaPortsConfig(), shared=mcu.config.single_port)
        self._ports = media_ports(self._arrived, config=config, trace=trace)
        self._timer: asyncio.Handle | None = None
        self._due: float | None = None  # handles of some loops do not know when they are due
        self._faults = FaultLog()
        self._rest = Rest()
        self._closed = False

    @property
    def ports(self) -> MediaPorts | SharedPort:
        """The ports, for their counters."""
        return self._ports

    def handle(self, events: Iterable[Event]) -> list[Event]:
        """Act on questions about ports; returns all other events, those that the answers caused among them."""
        rest: list[Event] = []
        for event in events:
            if isinstance(event, MediaPortWanted):
                rest += self.handle(self._open(event.leg))
            elif isinstance(event, MediaPeerKnown):
                self._ports.expect(event.leg, rtp=event.rtp, rtcp=event.rtcp)
            elif isinstance(event, MediaPortReleased):
                self._ports.close(event.leg)
            else:
                rest.append(event)
        return rest

    def _open(self, leg: LegId) -> list[Event]:
        now = self._loop.time()
        try:
            opened = self._ports.open(leg)
        except OSError as error:
            return self._mcu.media_failed(leg, str(error), now=now)
        advertised = self._advertise or opened.rtp[0]
        return self._mcu.media_opened(leg, rtp=opened.rtp, rtcp=opened.rtcp, advertised=advertised, now=now)

    def rearm(self) -> None:
        """Set the timer to the next tick. The grid is the MCU's, so that lateness of one tick never adds up."""
        due = None if self._closed else self._rest.after(self._mcu.next_tick())
        if self._timer is not None:
            if self._due == due:
                return
            self._timer.cancel()
        self._due = due
        self._timer = None if due is None else self._loop.call_at(due, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._ports.drain()
        now = self._loop.time()
        try:
            self._ports.send(self._mcu.tick(now))
            self._rest.worked()
        except Exception as error:  # a fault of ours must not end all sound for ever
            self._rest.failed(now)
            self._faults.log(internal_fault(error, "tick", owner=self._mcu.owner), now=now)
        self._report(self._mcu.take_events())

    def _arrived(self, batch: list[Arrival]) -> None:
        if not self._closed:
            # Keys are what ``open`` was given: legs.
            self._report(self._mcu.receive_media(batch))  # type: ignore[arg-type]

    def _report(self, events: list[Event]) -> None:
        rest = self.handle(events)
        if rest:
            self._faults.tell(rest, self._on_events, now=self._loop.time())
        self.rearm()

    def close(self) -> None:
        """Send what is due, give every port back. Can be called twice."""
        if self._closed:
            return
        self._ports.send(self._mcu.tick(self._loop.time()))
        self._closed = True
        self.rearm()
        self._ports.close_all()
