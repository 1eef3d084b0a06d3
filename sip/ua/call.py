"""One call of a user agent, from the INVITE to its one end, and what it tells."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import attrs

from sip.deadlines import Deadlines
from sip.endpoint.endpoint import Endpoint
from sip.errors import LocalProtocolError
from sip.events import (
    EndCause,
    Event,
    ReinviteReceived,
    SessionAnswered,
    SessionCancelled,
    SessionConfirmed,
    SessionEnded,
    SessionFailed,
    SessionProgressed,
    SessionRedirected,
    UpdateReceived,
)
from sip.headers.name_addr import NameAddr
from sip.ids import RequestId, SessionId
from sip.life import Life
from sip.message.bodies import SDP, body_of
from sip.message.request import Request
from sip.message.response import Response
from sip.syntax.uri import Uri
from sip.ua.account import Account
from sip.ua.call_media import CallMedia, refusal_status
from sip.ua.call_state import CALL, CallEnd, CallInput, CallState
from sip.ua.ending import Ending
from sip.ua.keys import press, pressed
from sip.ua.renegotiation import HoldOutcome, Renegotiation
from sip.ua.transfer import Transfer

#: Targets of redirections tried for one call: two servers that point at each other must not keep it busy.
MAX_REDIRECTS: Final = 5


@attrs.frozen(kw_only=True)
class CallReceived(Event):
    """Somebody calls: ``answer`` it or ``refuse`` it. CallEnded follows in any case."""

    call: Call


@attrs.frozen(kw_only=True)
class CallProgressed(Event):
    """It rings there, or something else goes on before the answer."""

    call: Call
    status: int  #: 101-199; 180 is ringing
    reason: str


@attrs.frozen(kw_only=True)
class CallAnswered(Event):
    """The call was answered, here or there: both sides talk."""

    call: Call


@attrs.frozen(kw_only=True)
class CallEnded(Event):
    """The one end of each call."""

    call: Call
    cause: CallEnd
    status: int | None = None  #: of a refusal
    reason: str  #: phrase of the refusal, else the cause in words
    retry_after: int | None = None  #: seconds, where the other side said so
    retry_safe: bool = False  #: whether calling again disturbs nobody: nothing of the call was seen to arrive
    talked_for: float = 0.0  #: seconds since it was answered, 0.0 when it was not

    @property
    def text(self) -> str:
        """Status and reason, for people."""
        return f"{self.status} {self.reason}" if self.status else self.reason


@attrs.frozen(kw_only=True)
class HoldChanged(Event):
    """The hold that was asked for here, or its end, was agreed."""

    call: Call
    held: bool


@attrs.frozen(kw_only=True)
class HoldFailed(Event):
    """It was not; all stays as it was."""

    call: Call
    held: bool  #: what was asked for
    status: int | None
    reason: str


@attrs.frozen(kw_only=True)
class KeyPressed(Event):
    """The other side pressed a key, and it came by INFO. Those in the sound are told by whoever has the media."""

    call: Call
    digit: str


@attrs.frozen(kw_only=True)
class TransferSucceeded(Event):
    """The other side reached whom it was sent to; hang up next."""

    call: Call


@attrs.frozen(kw_only=True)
class TransferFailed(Event):
    """It did not, or would not; the call goes on."""

    call: Call
    status: int | None
    reason: str


class Call:
    """One call; commands in the wrong state raise LocalProtocolError."""

    def __init__(
        self,
        endpoint: Endpoint,
        owner: str,
        account: Account,
        session: SessionId,
        *,
        invite: Request | None,
        remote: NameAddr,
        media: CallMedia | None,
        deadlines: Deadlines[object],
        tell: Callable[[Event], None],
    ) -> None:
        """``invite`` is the request of a call that came in; None: it is ours. ``deadlines`` are the user agent's."""
        self.account = account
        self.session = session
        self.invite = invite  #: None for a call that was made here
        self.remote = remote  #: who calls, or was called
        self.media = media  #: None for a call that came in, until it is answered
        self.answered_at: float | None = None  #: monotonic seconds
        self._endpoint, self._owner, self._tell = endpoint, owner, tell
        self._life = Life(CALL, CallState.CALLING if invite is None else CallState.RINGING, of="a call")
        self._redirects = 0
        self._renegotiation = Renegotiation(endpoint, session, self._contact, deadlines)
        self._transfer: Transfer | None = None

    def __repr__(self) -> str:
        way = "to" if self.invite is None else "from"
        return f"<Call {way} {self.remote.uri}, {self.state.value}>"

    @property
    def state(self) -> CallState:
        """How far the call is."""
        return self._life.state

    @property
    def incoming(self) -> bool:
        """Whether it came in."""
        return self.invite is not None

    @property
    def may_hold(self) -> bool:
        """Whether it could be held, or taken back, now."""
        return self.state is CallState.TALKING and not self._renegotiation.open

    # Commands --------------------------------------------------------------------------------------------------------

    def ring(self, *, now: float) -> None:
        """Tell the caller that it rings here (180). Raises LocalProtocolError unless it does."""
        self._life.check(CallInput.ANSWER)
        self._endpoint.progress(self.session, 180, now=now)

    def answer(self, media: CallMedia, *, now: float) -> None:
        """Take a call that rings here; CallAnswered follows, or CallEnded where ``media`` cannot use the offer.

        Raises LocalProtocolError when it does not ring.
        """
        self._life.check(CallInput.ANSWER)
        assert self.invite is not None
        self.media, offer = media, body_of(self.invite, SDP)
        try:
            body = media.receive_offer(offer, now=now) if offer else media.make_offer(now=now)
        except ValueError as error:
            status = refusal_status(error)
            self._endpoint.reject(self.session, status, now=now)
            self._end(Ending(cause=CallEnd.NO_MEDIA, status=status), now)
            return
        self._endpoint.accept(self.session, body=body, content_type=SDP, contact=self._contact, now=now)
        self._life.command(CallInput.ANSWER)
        self.answered_at = now
        self._tell(CallAnswered(owner=self._owner, call=self))

    def refuse(self, status: int = 603, *, headers: Iterable[tuple[str, object]] = (), now: float) -> None:
        """Do not take a call that rings here: 486 is busy, 603 no; CallEnded follows. Raises LocalProtocolError."""
        self._life.check(CallInput.REFUSE)
        self._endpoint.reject(self.session, status, headers=headers, now=now)
        self._end(Ending(cause=CallEnd.REFUSED_HERE, status=status), now)

    def hang_up(self, *, now: float) -> None:
        """End it however far it is; nothing happens when it is over. CallEnded follows: of a call that nobody answered
        yet when the other side has heard of it, otherwise at once."""
        if self.state is CallState.RINGING:
            self.refuse(now=now)
        elif self._life.allows(CallInput.GIVE_UP):
            self._life.command(CallInput.GIVE_UP)
            self._endpoint.cancel(self.session, now=now)
        elif self._life.allows(CallInput.HANG_UP):
            self._endpoint.bye(self.session, now=now)
            self._end(Ending(cause=CallEnd.HUNG_UP_HERE), now)

    def hold(self, held: bool = True, *, now: float) -> None:
        """Ask the other side to be silent, or to speak again; HoldChanged or HoldFailed follows.

        Raises LocalProtocolError when nobody talks, or another hold is open.
        """
        if not self.may_hold or self.media is None:
            raise LocalProtocolError(f"cannot hold {self!r} now")
        self._renegotiation.hold(held, self.media, now=now)

    def transfer(self, target: Uri | str | Call, *, now: float) -> None:
        """Have the other side call somebody else, or be connected with the other side of another call (RFC 3515, 3891).

        TransferSucceeded or TransferFailed follows. Raises LocalProtocolError when nobody talks, or another transfer is
        open.
        """
        if self.state is not CallState.TALKING or self._transfer is not None:
            raise LocalProtocolError(f"cannot transfer {self!r} now")
        self._transfer = Transfer.begin(
            self._endpoint,
            self._owner,
            self.session,
            target.session if isinstance(target, Call) else target,
            sender=self.account.address,
            now=now,
        )

    def send_keys(self, digits: str, *, now: float) -> None:
        """Press keys: in the sound where the media can, else by INFO. Raises LocalProtocolError."""
        if self.state is not CallState.TALKING:
            raise LocalProtocolError(f"cannot send keys in {self!r}")
        press(self._endpoint, self.session, self.media, digits, now=now)

    # What happens ----------------------------------------------------------------------------------------------------

    def handle_timeout(self, *, now: float) -> None:
        """Ask for a hold again after both sides had asked at once."""
        self._renegotiation.handle_timeout(now=now)

    def handle_session(self, event: Event, *, now: float) -> None:
        """Act on an event of the session."""
        match event:
            case SessionProgressed():
                if self._life.follow(CallInput.PROGRESS):
                    status, reason = event.response.status, event.response.reason
                    self._tell(CallProgressed(owner=self._owner, call=self, status=status, reason=reason))
            case SessionRedirected():
                self._redirected(event, now)
            case SessionAnswered():
                self._answered(event, now)
            case SessionConfirmed():
                self._confirmed(event, now)
            case SessionFailed():
                self._end(Ending.of(event, given_up=self.state is CallState.GIVING_UP), now)
            case SessionEnded():
                there = event.cause is EndCause.BYE_RECEIVED
                cause = CallEnd.HUNG_UP_THERE if there else CallEnd.LOST
                if self.state is CallState.GIVING_UP:  # an answer crossed, and was ended
                    cause = CallEnd.GIVEN_UP_HERE
                self._end(Ending(cause=cause), now)
            case ReinviteReceived() | UpdateReceived():
                self._renegotiation.offered(event, self.media, now=now)
            case SessionCancelled():
                self._end(Ending(cause=CallEnd.GIVEN_UP_THERE), now)
            case _:
                pass

    def handle_answer(self, request: RequestId, response: Response | None, why: str, *, now: float) -> bool:
        """Take the answer to a request in the call, None when none came; False when it is not of this call."""
        if not self._renegotiation.is_asking(request):
            return False
        outcome = self._renegotiation.answered(response, why, now=now)
        if outcome is not None:
            self._tell_hold(outcome)
        return True

    def handle_transfer(self, event: Event, *, now: float) -> bool:
        """Take an event of a subscription; False when it is not that of our transfer."""
        transfer = self._transfer
        if transfer is None or getattr(event, "subscription", None) != transfer.subscription:
            return False
        outcome = transfer.handle(event)
        if outcome is not None:
            self._transfer = None
            if 200 <= outcome.status < 300:
                self._tell(TransferSucceeded(owner=self._owner, call=self))
            else:
                status = outcome.status or None
                self._tell(TransferFailed(owner=self._owner, call=self, status=status, reason=outcome.reason))
        return True

    def read_key(self, request: Request) -> int:
        """Take an INFO; the status to answer it with."""
        try:
            digit = pressed(self.media, request)
        except ValueError:
            return 400
        if digit is not None:
            self._tell(KeyPressed(owner=self._owner, call=self, digit=digit))
        return 200

    # Inside ----------------------------------------------------------------------------------------------------------

    @property
    def _contact(self) -> NameAddr | None:
        return None if self.account.contact is None else NameAddr(self.account.contact)

    def _redirected(self, event: SessionRedirected, now: float) -> None:
        self._redirects += 1
        if event.targets and self._redirects <= MAX_REDIRECTS and self.state is not CallState.GIVING_UP:
            self._endpoint.redirect(self.session, event.targets[0], now=now)
        else:
            self._endpoint.give_up(self.session, now=now)

    def _answered(self, event: SessionAnswered, now: float) -> None:
        assert self.media is not None
        if not self._life.follow(CallInput.ANSWERED):
            return  # it was given up
        self.answered_at = now
        try:
            self.media.receive_answer(body_of(event.response, SDP), now=now)
        except ValueError as error:
            self._endpoint.bye(self.session, now=now)
            self._end(Ending(cause=CallEnd.NO_MEDIA, words=str(error)), now)
            return
        self._tell(CallAnswered(owner=self._owner, call=self))

    def _confirmed(self, event: SessionConfirmed, now: float) -> None:
        assert self.media is not None
        if not self._life.follow(CallInput.CONFIRM):
            self._renegotiation.confirmed(event, now=now)
            return
        if self.invite is None or body_of(self.invite, SDP):
            return
        try:
            self.media.receive_answer(body_of(event.request, SDP), now=now)
        except ValueError as error:
            self._endpoint.bye(self.session, now=now)
            self._end(Ending(cause=CallEnd.NO_MEDIA, words=str(error)), now)

    def _tell_hold(self, outcome: HoldOutcome) -> None:
        if outcome.agreed:
            self._tell(HoldChanged(owner=self._owner, call=self, held=outcome.held))
            return
        self._tell(
            HoldFailed(owner=self._owner, call=self, held=outcome.held, status=outcome.status, reason=outcome.reason)
        )

    def _end(self, ending: Ending, now: float) -> None:
        moved = {CallEnd.HUNG_UP_HERE: CallInput.HANG_UP, CallEnd.REFUSED_HERE: CallInput.REFUSE}
        if not self._life.follow(moved.get(ending.cause, CallInput.END)):
            return  # it has ended already
        if self.media is not None:
            self.media.end(now=now)
        if (hold := self._renegotiation.end()) is not None:
            self._tell_hold(hold)
        if self._transfer is not None:
            self._transfer = None
            self._tell(TransferFailed(owner=self._owner, call=self, status=None, reason="the call is over"))
        self._tell(
            CallEnded(
                owner=self._owner,
                call=self,
                cause=ending.cause,
                status=ending.status,
                reason=ending.reason,
                retry_after=ending.retry_after,
                retry_safe=ending.retry_safe,
                talked_for=0.0 if self.answered_at is None else now - self.answered_at,
            )
        )
