"""What an endpoint can be told about INVITE sessions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sip.errors import LocalProtocolError
from sip.flow import Flow
from sip.headers.name_addr import NameAddr
from sip.ids import RequestId, SessionId
from sip.message.lines import checked, checked_value, local_uri
from sip.message.request import Request, checked_method
from sip.message.response import Response
from sip.session.caller import SentInvite
from sip.session.joining import Joining
from sip.session.replacing import Replacement
from sip.session.requests_sent import InSession
from sip.session.sessions import Sessions
from sip.session.tables import SessionInput, SessionState
from sip.session.view import SessionView
from sip.syntax.uri import Uri


class SessionCommands:
    """Calls: commands in the wrong state, or for a session that never was, raise LocalProtocolError.

    A command whose session ended before the core was told of it, by a message or timer that came in between, is no
    mistake: it is counted and does nothing, and a request ends in RequestFailed("ended").
    """

    _sessions: Sessions

    def invite(
        self,
        owner: str,
        target: Uri | str,
        *,
        from_: NameAddr | str,
        to: NameAddr | str,
        headers: Iterable[tuple[str, object]] = (),
        body: bytes = b"",
        content_type: str | None = None,
        route: Sequence[NameAddr] = (),
        contact: NameAddr | None = None,
        session_expires: int | None = None,
        prack_by_core: bool = False,
        flow: Flow | None = None,
        call_id: str | None = None,
        now: float,
    ) -> SessionId:
        """Send an INVITE to ``target`` (RFC 3261 section 13.2).

        ``session_expires`` (seconds) asks for a session timer; None does not. Without a body the INVITE carries no
        offer: the core must ``ack`` the 2xx, or where the offer comes in a reliable provisional answer ``prack``
        that. ``prack_by_core`` leaves every PRACK to the core, which may put an offer into it. ``call_id`` must be
        unique in the world (RFC 3261 section 8.1.1.4); None draws one. Ends in SessionFailed, or after
        SessionAnswered in SessionEnded.

        Raises LocalProtocolError when there are too many sessions, and for what cannot be sent.
        """
        sessions = self._sessions
        core = sessions.cores.by_owner(owner)
        if len(sessions) >= sessions.context.config.max_sessions:
            raise LocalProtocolError("too many sessions")
        given = checked(headers, content_type)
        outline = sessions.requests.outline(target, from_, to, route, call_id, given)
        outline.lines.extend(sessions.abilities(core, given))
        where = None if contact is None else checked_value("Contact", contact)
        session = sessions.new(core, SessionState.CALLING)
        session.called = True
        session.contact = where
        session.sent(body, content_type)
        invite = session.invite = SentInvite(
            sessions,
            session,
            outline,
            flow=flow,
            body=body,
            content_type=content_type,
            session_expires=session_expires,
            prack_by_core=prack_by_core,
        )
        invite.send(now)
        return session.id

    def redirect(self, session: SessionId, target: Uri | str, *, now: float) -> None:
        """Send the INVITE again to a target of SessionRedirected: same Call-ID and From tag, next CSeq."""
        sessions = self._sessions
        found = sessions.live(session)
        uri = local_uri(target)
        if found is None:
            return
        found.command(SessionInput.REDIRECT)
        assert found.invite is not None
        found.invite.redirect(uri, now)

    def give_up(self, session: SessionId, *, now: float) -> None:
        """Follow no target of SessionRedirected; SessionFailed carries the 3xx."""
        sessions = self._sessions
        found = sessions.live(session)
        if found is None:
            return
        found.check(SessionInput.GIVE_UP)
        assert found.invite is not None
        found.invite.give_up(now)

    def cancel(self, session: SessionId, *, headers: Iterable[tuple[str, object]] = (), now: float) -> None:
        """Give up an INVITE that is not answered yet (RFC 3261 section 9.1).

        Waits for a provisional answer before it sends CANCEL. A 2xx that crosses it is acknowledged and
        ended with BYE. SessionFailed(CANCELLED) follows in any case, but for a session that has just been answered:
        it ends with BYE. Nothing happens when it has just failed.
        """
        sessions = self._sessions
        found = sessions.find(session)
        if found is None:
            return
        if found.invite is not None and found.dialog is not None:
            self.bye(session, headers=headers, now=now)  # SessionAnswered was not yet taken
            return
        given = checked(headers)
        found.command(SessionInput.CANCEL)
        assert found.invite is not None
        found.invite.cancel(given, now)

    def ack(self, session: SessionId, *, body: bytes = b"", content_type: str | None = None, now: float) -> None:
        """Acknowledge the 2xx to an INVITE (or re-INVITE) without body; ``body`` is the answer to its offer.

        Raises LocalProtocolError when no 2xx waits for that.
        """
        sessions = self._sessions
        found = sessions.live(session)
        checked((), content_type)
        if found is None:
            return
        ack = found.awaiting
        if ack is None:
            if body:
                raise LocalProtocolError("no 2xx waits for an ACK with an answer")
            return
        found.awaiting = None
        found.process(SessionInput.ACK)
        found.sent(body, content_type)
        ack.send(now, body, content_type)

    def prack(
        self,
        session: SessionId,
        *,
        response: Response | None = None,
        headers: Iterable[tuple[str, object]] = (),
        body: bytes = b"",
        content_type: str | None = None,
        now: float,
    ) -> RequestId:
        """Acknowledge a SessionProgressed with ``awaits_prack`` (RFC 3262 section 5).

        ``body`` is the answer to the offer in it, otherwise an offer or nothing; the answer to an offer comes in
        ResponseReceived. ``response`` says which one is meant where several wait; without it the first is. Ends in
        ResponseReceived or RequestFailed.

        Raises LocalProtocolError on the side that was called, and when no answer waits for that.
        """
        sessions = self._sessions
        found = sessions.live(session)
        given = checked(headers, content_type)
        if found is None:
            return sessions.fail_request(session, None, "ended")
        if found.invite is None:
            raise LocalProtocolError("only who calls acknowledges provisional answers")
        return found.invite.prack(response, given, body, content_type, now)

    def progress(
        self,
        session: SessionId,
        status: int = 180,
        reason: str | None = None,
        *,
        headers: Iterable[tuple[str, object]] = (),
        body: bytes = b"",
        content_type: str | None = None,
        reliable: bool = False,
        now: float,
    ) -> None:
        """Send a provisional answer 101-199.

        ``reliable`` sends it as RFC 3262 says when the caller supports that (and is implied when it
        requires it); one that waits for the PRACK of the one before is queued. When the INVITE carried no offer, the
        first reliable answer should: its answer comes in PrackReceived.
        """
        sessions = self._sessions
        invite = sessions.unanswered_invite(session, SessionInput.PROGRESS)
        given = checked(headers, content_type)
        if invite is not None:
            invite.progress(status, reason, given, body, content_type, reliable, now)

    def accept(
        self,
        session: SessionId,
        *,
        status: int = 200,
        headers: Iterable[tuple[str, object]] = (),
        body: bytes = b"",
        content_type: str | None = None,
        contact: NameAddr | None = None,
        session_expires: int | None = None,
        now: float,
    ) -> None:
        """Answer with 2xx, sent again until the ACK arrives (RFC 3261 section 13.3.1.4).

        A session timer that the caller offered is granted; ``session_expires`` (seconds) lowers its interval, or
        asks for one of our own when the caller offered none and this side is to refresh.
        """
        sessions = self._sessions
        invite = sessions.unanswered_invite(session, SessionInput.ACCEPT)
        where = None if contact is None else checked_value("Contact", contact)
        given = checked(headers, content_type)
        if invite is None:
            return
        if where is not None:
            invite.session.contact = where
        invite.accept(status, given, body, content_type, session_expires, now)

    def reject(
        self,
        session: SessionId,
        status: int,
        reason: str | None = None,
        *,
        headers: Iterable[tuple[str, object]] = (),
        body: bytes = b"",
        content_type: str | None = None,
        now: float,
    ) -> None:
        """Answer with 300-699; nothing more is reported of the session."""
        sessions = self._sessions
        invite = sessions.unanswered_invite(session, SessionInput.REJECT)
        given = checked(headers, content_type)
        if invite is not None:
            invite.reject(status, reason, given, body, content_type, now)

    def reinvite(
        self,
        session: SessionId,
        *,
        headers: Iterable[tuple[str, object]] = (),
        body: bytes = b"",
        content_type: str | None = None,
        now: float,
    ) -> RequestId:
        """Send an INVITE inside the session; ends in ResponseReceived or RequestFailed.

        A 491 is reported as any other answer, with the wait of RFC 3261 section 14.1 left to the core
        (``glare_delay``). When one of the other side came first it ends in RequestFailed("glare"). Raises
        LocalProtocolError while another of ours is open, or with a body while another offer of ours is.
        """
        sessions = self._sessions
        found = sessions.live(session)
        given = checked(headers, content_type)
        if found is None:
            return sessions.fail_request(session, None, "ended")
        if found.state is not SessionState.CONFIRMED:
            raise LocalProtocolError(f"cannot re-INVITE a session that is {found.state.value}")
        if found.outgoing is not None:
            raise LocalProtocolError("another INVITE of the session is open")  # RFC 3261 section 14.1
        if body and found.updates:
            raise LocalProtocolError("another offer of the session is open")  # RFC 3261 section 13.2.1
        if found.reinvite is not None:
            return sessions.fail_request(session, found.owner, "glare")
        return InSession(sessions, found, "INVITE", given, body, content_type, report=True).send(now)

    def update(
        self,
        session: SessionId,
        *,
        headers: Iterable[tuple[str, object]] = (),
        body: bytes = b"",
        content_type: str | None = None,
        now: float,
    ) -> RequestId:
        """Send an UPDATE (RFC 3311), before or after the final answer; ends in ResponseReceived or RequestFailed.

        One with a body ends in RequestFailed("glare") when an offer of the other side came first. Raises
        LocalProtocolError while an offer of ours is open.
        """
        sessions = self._sessions
        found = sessions.with_dialog(session)
        given = checked(headers, content_type)
        if found is None:
            return sessions.fail_request(session, None, "ended")
        if body and (found.updates or found.outgoing is not None):
            raise LocalProtocolError("another offer of the session is open")  # RFC 3311 section 5.1
        owes = found.invite is not None and found.invite.owes_answer
        if body and (owes or found.update is not None or found.reinvite is not None):
            return sessions.fail_request(session, found.owner, "glare")
        return InSession(sessions, found, "UPDATE", given, body, content_type, report=True).send(now)

    def request_in_session(
        self,
        session: SessionId,
        method: str,
        *,
        headers: Iterable[tuple[str, object]] = (),
        body: bytes = b"",
        content_type: str | None = None,
        now: float,
    ) -> RequestId:
        """Send INFO, MESSAGE, OPTIONS ... inside the session; ends in ResponseReceived or RequestFailed.

        A NOTIFY sent so belongs to no subscription: the far end must know of it (MS-CONFIM 4.2.2).

        Raises LocalProtocolError for methods that have commands of their own.
        """
        sessions = self._sessions
        if method in ("INVITE", "UPDATE", "BYE", "ACK", "CANCEL", "PRACK", "SUBSCRIBE", "BENOTIFY", "REFER"):
            raise LocalProtocolError(f"{method} has a command of its own")
        found = sessions.with_dialog(session)
        given = checked(headers, content_type)
        checked_method(method)
        if found is None:
            return sessions.fail_request(session, None, "ended")
        return InSession(sessions, found, method, given, body, content_type, report=True).send(now)

    def bye(self, session: SessionId, *, headers: Iterable[tuple[str, object]] = (), now: float) -> None:
        """End the session (RFC 3261 section 15.1.1); SessionEnded(BYE_SENT) follows.

        An answered session that waits for its ACK ends with the BYE once the ACK came or never will. Nothing
        happens when the session has just ended by itself.
        """
        sessions = self._sessions
        found = sessions.find(session)
        if found is None or found.state is SessionState.ENDING:
            return
        given = checked(headers)
        before = found.state
        found.command(SessionInput.BYE)
        sessions.stop(found)
        found.bye_headers = given
        if before is SessionState.ACCEPTED and found.unacknowledged:
            return  # RFC 3261 section 15: not before the ACK came, or never will
        if found.awaiting is not None:
            found.awaiting.send(now)
            found.awaiting = None
        sessions.send_waiting_bye(found, now)

    def replacement(self, request: Request) -> Replacement:
        """Return which session an INVITE with Replaces is for, or how to refuse it (RFC 3891 section 3).

        A core that lists ``replaces`` asks this for each InviteReceived; it then accepts the new session and ends
        the old one with ``bye``, or ``cancel`` when it is early.
        """
        return self._sessions.replacement(request)

    def joining(self, request: Request, *, conference: bool = False) -> Joining:
        """Return which session an INVITE with Join is for, or how to refuse it (RFC 3911 section 4).

        A core that lists ``join`` asks this for each InviteReceived, sees to it that the sender may join, and mixes
        the new session with the one that it names; when it cannot mix, it rejects the INVITE with 488. With
        ``conference`` the Request-URI is that of a conference: a Join that matches nothing is then ignored.
        """
        return self._sessions.joining(request, conference=conference)

    def glare_delay(self, session: SessionId) -> float:
        """Return how long to wait after a 491, in seconds: shorter for the side that did not choose the Call-ID.

        RFC 3261 section 14.1. 0.0 when the session has just ended.
        """
        found = self._sessions.live(session)
        return 0.0 if found is None else self._sessions.glare_delay(found)

    def is_over(self, session: SessionId) -> bool:
        """Whether a session is over, even where the core was not yet told. Raises LocalProtocolError for no session."""
        return self._sessions.is_over(session)

    def session(self, session: SessionId) -> SessionView:
        """Return what is known of a session now: a frozen picture. Raises LocalProtocolError when it is over."""
        return self._sessions.view(session)
