"""Inviting somebody's client to a conference, and being invited (App-INVITE; MS-CONFBAS).

The invitation is an INVITE with a document that says which conference. A 200 says that the user means to come; the
dialog has done its job then, and the one who invites ends it. The user's client joins by itself. Programs that know no
such document refuse it, and can be called by an MCU in place of that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from c3p import (
    CONFERENCE_INVITE_TYPE,
    C3PError,
    ConferenceInfo,
    ConferencingInvite,
    McuType,
    OfferedMedia,
    parse_join_link,
)
from focus.client.config import ClientConfig
from focus.client.events import (
    CalledInstead,
    CommandId,
    ConferenceInvited,
    InvitationAccepted,
    InvitationFailed,
    InvitationFailure,
    InvitationId,
    InvitationRedirected,
    InvitationRinging,
    InvitationWithdrawn,
)
from focus.client.outgoing import Outgoing
from focus.errors import LocalProtocolError
from sip import (
    Deadlines,
    Endpoint,
    Event,
    FailureCause,
    InviteReceived,
    NameAddr,
    Request,
    SessionAnswered,
    SessionCancelled,
    SessionEnded,
    SessionFailed,
    SessionId,
    SessionProgressed,
    SessionRedirected,
    body_of,
)

INVITATION_TYPES: Final = (CONFERENCE_INVITE_TYPE,)
#: Open at once in each direction. A person answers one after the other; more is a flood, and gets 486.
MAX_OPEN: Final = 16
MAX_REDIRECTS: Final = 5  #: addresses tried for one invitation
#: Refusals of a program that knows no such body (RFC 3261 sections 21.4.13, 21.4.26 and 21.6.4; docs/commands.rst).
NOT_UNDERSTOOD: Final = frozenset((415, 488, 606))
_DECLINED: Final = frozenset((403, 486, 600, 603))
_CAUSES: Final = {
    FailureCause.TIMEOUT: InvitationFailure.NO_ANSWER,
    FailureCause.CANCELLED: InvitationFailure.CANCELLED,
}


@attrs.define(eq=False)
class _Sent:
    """One of ours that is not answered."""

    command: CommandId
    session: SessionId
    user: str
    call: Callable[[float], CommandId] | None  #: what is done where it is not understood
    ringing: bool = False
    redirects: int = 0
    cause: InvitationFailure | None = None  #: why we have given it up


@attrs.frozen
class _Received:
    """One that came and is not answered."""

    invitation: InvitationId
    session: SessionId
    conference_uri: str


class Invitations:
    """All that are open, in both directions."""

    def __init__(self, endpoint: Endpoint, config: ClientConfig, outgoing: Outgoing) -> None:
        self._endpoint, self._config, self._outgoing = endpoint, config, outgoing
        self._sent: dict[SessionId, _Sent] = {}
        self._received: dict[SessionId, _Received] = {}
        self._ending: set[SessionId] = set()  #: accepted, and our BYE, or the other one's, is to come
        self.deadlines: Deadlines[SessionId] = Deadlines()
        self._last = 0

    # Inviting --------------------------------------------------------------------------------------------------------

    def send(
        self,
        user: str,
        invitation: ConferencingInvite,
        *,
        call: Callable[[float], CommandId] | None,
        now: float,
    ) -> CommandId:
        """Invite somebody; ``call`` has it called where invitations are not understood.

        Raises LocalProtocolError when too many are open.
        """
        if len(self._sent) >= MAX_OPEN:
            raise LocalProtocolError("too many invitations are open")
        session = self._endpoint.invite(
            self._config.owner,
            user,
            from_=self._config.sender,
            to=NameAddr(user),
            body=bytes(invitation),
            content_type=CONFERENCE_INVITE_TYPE,
            route=self._config.route,
            now=now,
        )
        command = self._outgoing.new_command()
        self._sent[session] = _Sent(command, session, user, call)
        self.deadlines.set(session, now + self._config.invitation_timeout)
        return command

    def cancel(self, command: CommandId, *, now: float) -> None:
        """Withdraw one. Raises LocalProtocolError when it is not open."""
        sent = next((each for each in self._sent.values() if each.command == command), None)
        if sent is None:
            raise LocalProtocolError("no such invitation is open")
        self._give_up(sent, InvitationFailure.CANCELLED, now)

    def _give_up(self, sent: _Sent, cause: InvitationFailure, now: float) -> None:
        sent.cause = sent.cause or cause
        self.deadlines.set(sent.session, None)
        self._endpoint.cancel(sent.session, now=now)

    # Being invited ---------------------------------------------------------------------------------------------------

    def received(self, event: InviteReceived, *, now: float) -> list[Event]:
        """An INVITE outside of dialogs: it rings, if it is an invitation that can be read."""
        body = body_of(event.request, CONFERENCE_INVITE_TYPE)
        if not body:
            accept = ("Accept", CONFERENCE_INVITE_TYPE)
            self._endpoint.reject(event.session, 415, headers=(accept,), now=now)
            return []
        try:
            invitation = ConferencingInvite.parse(body)
            uri = parse_join_link(invitation.focus_uri)
        except C3PError:
            self._endpoint.reject(event.session, 400, now=now)
            return []
        if len(self._received) >= MAX_OPEN:
            self._endpoint.reject(event.session, 486, now=now)
            return []
        self._endpoint.progress(event.session, 180, now=now)
        self._last += 1
        number = InvitationId(self._last)
        self._received[event.session] = _Received(number, event.session, uri)
        sender = event.request.from_
        return [
            ConferenceInvited(
                owner=self._config.owner,
                invitation=number,
                inviter=str(sender.uri),
                display_name=sender.display_name,
                conference_uri=uri,
                subject=invitation.subject or None,
                im=_has(invitation.im),
                audio=_has(invitation.audio),
                video=_has(invitation.video),
            )
        ]

    def conference_of(self, invitation: InvitationId) -> str:
        """Where an open one leads to. Raises LocalProtocolError when it is not open."""
        return self._open(invitation).conference_uri

    def accept(self, invitation: InvitationId, *, now: float) -> None:
        """Say that we come. Raises LocalProtocolError when it is not open."""
        found = self._open(invitation)
        del self._received[found.session]
        self._ending.add(found.session)
        self._endpoint.accept(found.session, now=now)

    def decline(self, invitation: InvitationId, *, now: float) -> None:
        """Say no. Raises LocalProtocolError when it is not open."""
        found = self._open(invitation)
        del self._received[found.session]
        self._endpoint.reject(found.session, 603, now=now)

    def _open(self, invitation: InvitationId) -> _Received:
        found = next((each for each in self._received.values() if each.invitation == invitation), None)
        if found is None:
            raise LocalProtocolError("no such invitation is open")
        return found

    # Events of the endpoint ------------------------------------------------------------------------------------------

    def owns(self, event: Event) -> bool:
        """Whether an event is about the session of one."""
        session = getattr(event, "session", None)
        return session is not None and (session in self._sent or session in self._received or session in self._ending)

    def handle(self, event: Event, *, now: float) -> list[Event]:
        """Act on it: what the application is told."""
        match event:
            case SessionProgressed():
                return self._progressed(event.session)
            case SessionAnswered():
                return self._answered(event.session, now)
            case SessionRedirected():
                return self._redirected(event, now)
            case SessionFailed():
                return self._failed(event, now)
            case SessionCancelled():
                found = self._received.pop(event.session, None)
                return [] if found is None else [self._withdrawn(found)]
            case SessionEnded():
                self._ending.discard(event.session)
        return []

    def _withdrawn(self, found: _Received) -> Event:
        return InvitationWithdrawn(owner=self._config.owner, invitation=found.invitation)

    def _progressed(self, session: SessionId) -> list[Event]:
        sent = self._sent.get(session)
        if sent is None or sent.ringing:
            return []
        sent.ringing = True
        return [InvitationRinging(owner=self._config.owner, command=sent.command)]

    def _answered(self, session: SessionId, now: float) -> list[Event]:
        sent = self._sent.pop(session, None)
        if sent is None:
            return []
        self.deadlines.set(session, None)
        self._ending.add(session)
        self._endpoint.bye(session, now=now)
        return [InvitationAccepted(owner=self._config.owner, command=sent.command)]

    def _redirected(self, event: SessionRedirected, now: float) -> list[Event]:
        sent = self._sent[event.session]
        sent.redirects += 1
        if not event.targets or sent.redirects > MAX_REDIRECTS or sent.cause is not None:
            self._endpoint.give_up(event.session, now=now)
            return []
        target = event.targets[0]
        self._endpoint.redirect(event.session, target, now=now)
        return [InvitationRedirected(owner=self._config.owner, command=sent.command, target=str(target))]

    def _failed(self, event: SessionFailed, now: float) -> list[Event]:
        sent = self._sent.pop(event.session, None)
        if sent is None:
            return []
        self.deadlines.set(event.session, None)
        status = event.status
        if sent.cause is None and status in NOT_UNDERSTOOD and sent.call is not None:
            assert status is not None
            try:
                call = sent.call(now)
            except LocalProtocolError:  # we are not in the conference any more
                call = None
            if call is not None:
                return [CalledInstead(owner=self._config.owner, command=sent.command, call=call, status=status)]
        return [
            InvitationFailed(
                owner=self._config.owner,
                command=sent.command,
                cause=sent.cause or _cause_of(event),
                status=status,
                reason=event.response.reason if event.response is not None else None,
            )
        ]

    # Time ------------------------------------------------------------------------------------------------------------

    def handle_timeout(self, *, now: float) -> None:
        """Give up the invitations that nobody answers."""
        for session in self.deadlines.pop_due(now):
            self._give_up(self._sent[session], InvitationFailure.NO_ANSWER, now)


def is_for(request: Request, aor: str) -> bool:
    """Whether a request outside of dialogs is for the client of that user: OPTIONS, or an invitation to a conference.

    Other calls are for another core of the application, if it has one.
    """
    own = aor.partition("@")[0].rpartition(":")[2]
    if request.uri.opaque is not None or (request.uri.user or "").lower() != own.lower():
        return False
    if request.method == "OPTIONS":
        return True
    invites = request.method == "INVITE" and "Content-Type" in request.headers
    return invites and bool(body_of(request, CONFERENCE_INVITE_TYPE))


def invitation_to(roster: ConferenceInfo | None, conference_uri: str) -> ConferencingInvite:
    """What is said of a conference: its subject, and which MCUs it has as far as the roster shows them."""
    about = roster.description if roster is not None else None
    types = {entry.purpose for entry in about.conf_uris} if about is not None else set()
    return ConferencingInvite(
        focus_uri=conference_uri,
        subject=(about.subject if about is not None else None) or "",
        im=OfferedMedia(available=McuType.CHAT in types),
        audio=OfferedMedia(available=McuType.AUDIO_VIDEO in types),
    )


def _cause_of(event: SessionFailed) -> InvitationFailure:
    if event.cause is not FailureCause.RESPONSE or event.status is None:
        return _CAUSES.get(event.cause, InvitationFailure.NOT_REACHED)
    if event.status in NOT_UNDERSTOOD:
        return InvitationFailure.NOT_UNDERSTOOD
    if event.status in _DECLINED:
        return InvitationFailure.DECLINED
    return InvitationFailure.NO_ANSWER if event.status == 408 else InvitationFailure.NOT_REACHED


def _has(media: OfferedMedia | None) -> bool:
    return media is not None and media.available is not False
