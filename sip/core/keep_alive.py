"""Keeping flows alive from the client's side (RFC 5626 section 4.4, Ms-Keep-Alive), and noticing when they are dead.

On a connection the ping is two line breaks and the answer one. Over UDP it is two line breaks that nobody answers: they
keep a NAT open, and what they cost a server is a look at four octets.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

import attrs

from sip.context import Context
from sip.errors import RemoteProtocolError
from sip.events import FlowLost
from sip.flow import Flow
from sip.headers.ms_keep_alive import MsKeepAlive
from sip.headers.name_addr import NameAddr
from sip.life import Life
from sip.message.request import Request
from sip.message.response import Response
from sip.timers import Timer
from sip.transactions.client import ClientTransaction
from sip.transport.transport import Transport

_PING: Final = b"\r\n\r\n"
#: Section 4.4.1: seconds until a ping without answer means that the flow has failed.
_PATIENCE: Final = 10.0
#: Section 4.4.2, decided by NATs that forget after 30 s.
_UDP_INTERVAL: Final = (24.0, 29.0)
#: Sections 4.4 and 4.4.1: intervals are between 80 % of the upper bound and all of it.
_LOWER: Final = 0.8
#: Seconds: what a server may demand at least. More often than an answer is waited for would be without pause.
_LEAST_DEMANDED: Final = _PATIENCE


class KeepAliveState(enum.Enum):
    """How a flow that is kept alive is."""

    __hash__ = object.__hash__

    QUIET = "quiet"  #: the next ping is due some time
    PINGED = "pinged"  #: the answer is due
    LOST = "lost"


class KeepAliveInput(enum.Enum):
    """What happens to it."""

    __hash__ = object.__hash__

    PING = "ping that wants an answer"
    PONG = "answer"
    SILENCE = "no answer in 10 s"


_S, _I = KeepAliveState, KeepAliveInput

KEEP_ALIVE: Final[Mapping[tuple[KeepAliveState, KeepAliveInput], KeepAliveState]] = {
    (_S.QUIET, _I.PING): _S.PINGED,
    (_S.PINGED, _I.PONG): _S.QUIET,
    (_S.PINGED, _I.SILENCE): _S.LOST,
}


@attrs.define(eq=False)
class KeptFlow:
    """One flow, and for whom it is kept alive."""

    flow: Flow
    upper: float  #: seconds between two pings at most
    lower: float
    answered: bool  #: whether pings are answered
    uses: dict[str, float | None]  #: until when, by Call-ID of the registration; None until it is stopped
    life: Life[KeepAliveState, KeepAliveInput] = attrs.field(factory=lambda: Life(KEEP_ALIVE, KeepAliveState.QUIET))
    extended: bool = False  #: whether the answer was waited for twice
    ping: Timer | None = None
    silence: Timer | None = None


class KeepAlives:
    """The flows that this endpoint keeps alive. Without any there is no timer."""

    def __init__(self, context: Context, transport: Transport) -> None:
        self._context = context
        self._transport = transport
        self._kept: dict[int, KeptFlow] = {}

    def __len__(self) -> int:
        return len(self._kept)

    # Beginning and ending --------------------------------------------------------------------------------------------

    def start(
        self, flow: Flow, upper: float | None, *, answered: bool, use: str, until: float | None, now: float
    ) -> None:
        """Keep a flow alive for one ``use``, or go on with other numbers."""
        if not self._transport.is_open(flow):
            self._context.count("ignored: keep-alive of a flow that is closed")
            return
        kept = self._kept.get(flow.id)
        lower, upper = self._bounds(flow, upper)
        answered = answered and flow.reliable
        if kept is None:
            kept = self._kept[flow.id] = KeptFlow(flow, upper, lower, answered, {use: until})
            if flow.reliable:
                self._transport.streams.expect_pongs(flow)
            self._plan(kept, now)
            return
        kept.uses[use] = until
        changed = (lower, upper) != (kept.lower, kept.upper)
        kept.lower, kept.upper, kept.answered = lower, upper, answered
        if changed and kept.life.state is KeepAliveState.QUIET:
            self._plan(kept, now)

    def _bounds(self, flow: Flow, upper: float | None) -> tuple[float, float]:
        if upper is None and not flow.reliable:
            return _UDP_INTERVAL
        upper = upper or self._context.config.keep_alive_interval
        return upper * _LOWER, upper

    def stop(self, flow: Flow, use: str) -> None:
        """End one use; without any the flow is left alone."""
        kept = self._kept.get(flow.id)
        if kept is None:
            return
        kept.uses.pop(use, None)
        if not kept.uses:
            self.forget(flow)

    def forget(self, flow: Flow) -> None:
        """Leave a flow alone: it is closed, or nobody needs it."""
        kept = self._kept.pop(flow.id, None)
        if kept is not None:
            self._context.timers.stop(kept.ping)
            self._context.timers.stop(kept.silence)

    def registered(self, register: ClientTransaction, response: Response, now: float) -> None:
        """Begin or end with what a registrar granted (section 4.2)."""
        flow, request = register.flow, register.request
        assert flow is not None
        assert request is not None
        try:
            seconds = granted(request, response)
            upper, answered = asked_for(response)
        except RemoteProtocolError:
            self._context.count("response to REGISTER that cannot be used")
            return
        if seconds == 0:
            self.stop(flow, request.call_id)
        elif seconds is not None:
            self.start(flow, upper, answered=answered, use=request.call_id, until=now + seconds, now=now)

    # Pings -----------------------------------------------------------------------------------------------------------

    def _plan(self, kept: KeptFlow, now: float) -> None:
        timers = self._context.timers
        timers.stop(kept.ping)
        wait = kept.lower + self._context.waits.uniform() * (kept.upper - kept.lower)
        kept.ping = timers.start(now + wait, lambda then: self._on_ping(kept, then))

    def _on_ping(self, kept: KeptFlow, now: float) -> None:
        kept.ping = None
        kept.uses = {use: until for use, until in kept.uses.items() if until is None or until > now}
        if not kept.uses:
            self.forget(kept.flow)
            return
        self._transport.send(kept.flow, _PING)
        if kept.answered:
            kept.life.command(KeepAliveInput.PING)
            kept.extended = False
            self._await_pong(kept, now)
        else:
            self._plan(kept, now)

    def _await_pong(self, kept: KeptFlow, now: float) -> None:
        kept.silence = self._context.timers.start(now + _PATIENCE, lambda then: self._on_silence(kept, then))

    def _on_silence(self, kept: KeptFlow, now: float) -> None:
        if self._transport.streams.is_receiving(kept.flow) and not kept.extended:
            # The answer cannot come within a message (section 4.4.1), which has to end some time.
            kept.extended = True
            self._await_pong(kept, now)
            return
        kept.life.follow(KeepAliveInput.SILENCE)
        self.forget(kept.flow)
        self._transport.lose(kept.flow)
        self._context.count("stream given up")
        self._context.emit(FlowLost(owner="", flow=kept.flow, reason="no answer to a keep-alive"))

    def receive_pong(self, flow: Flow, now: float) -> None:
        """Take a line break from the other side."""
        kept = self._kept.get(flow.id)
        if kept is None or not kept.life.follow(KeepAliveInput.PONG):
            return
        self._context.timers.stop(kept.silence)
        self._plan(kept, now)


def granted(request: Request, response: Response) -> int | None:
    """Return for how many seconds a 2xx keeps what a REGISTER asked for; None when it asked for nothing."""
    ours = [each for each in request.contact if isinstance(each, NameAddr)]
    if not ours:
        return 0 if request.contact else None  # an asterisk takes everything back
    for each in response.contact:
        if isinstance(each, NameAddr) and any(each.uri.equivalent(own.uri) for own in ours):
            return _seconds(each, response.expires or 0)
    if not response.contact:
        return 0
    # It wrote our address down as it saw it.
    return max(_seconds(own, response.expires or request.expires or 0) for own in ours)


def _seconds(contact: NameAddr, otherwise: int) -> int:
    text = contact.params.get("expires")
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 11 else otherwise


def asked_for(response: Response) -> tuple[float | None, bool]:
    """Return how often a server wants to hear something, in seconds at most, and whether it answers pings."""
    flow_timer = response.header("Flow-Timer")
    microsoft = response.header("ms-keep-alive")
    if isinstance(microsoft, MsKeepAlive):
        # Such servers need not answer; they close what was silent for that long.
        return _believed(microsoft.timeout and microsoft.timeout * _LOWER), False
    seconds = flow_timer if isinstance(flow_timer, int) and flow_timer > 0 else None
    outbound = any(tag.lower() == "outbound" for tag in response.require)
    return _believed(seconds), outbound or seconds is not None


def _believed(seconds: float | None) -> float | None:
    return None if not seconds else max(float(seconds), _LEAST_DEMANDED)
