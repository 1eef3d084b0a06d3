"""What an endpoint can be told about INVITE sessions."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sip.flow import Flow
from sip.ids import RequestId, SessionId
from sip.name_addr import NameAddr
from sip.request import Request
from sip.session.replacing import Replacement
from sip.uri import Uri

if TYPE_CHECKING:
    from sip.session.layer import Sessions
    from sip.session.view import SessionView


class SessionCommands:
    """Calls: commands in the wrong state, or for a session that never was, raise LocalProtocolError."""

    _sessions: "Sessions"

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
        flow: Flow | None = None,
        now: float,
    ) -> SessionId:
        """Send an INVITE to ``target`` (RFC 3261 section 13.2).

        ``session_expires`` (seconds) asks for a session timer; None does not. Without a body the INVITE
        carries no offer, and the core must ``ack`` the 2xx. Ends in SessionFailed, or after SessionAnswered
        in SessionEnded.
        """
        return self._sessions.invite(
            owner,
            target,
            from_=from_,
            to=to,
            headers=headers,
            body=body,
            content_type=content_type,
            route=route,
            contact=contact,
            session_expires=session_expires,
            flow=flow,
            now=now,
        )

    def redirect(self, session: SessionId, target: Uri | str, *, now: float) -> None:
        """Send the INVITE again to a target of SessionRedirected: same Call-ID and From tag, next CSeq."""
        self._sessions.redirect(session, target, now=now)

    def give_up(self, session: SessionId, *, now: float) -> None:
        """Follow no target of SessionRedirected; SessionFailed carries the 3xx."""
        self._sessions.give_up(session, now=now)

    def cancel(self, session: SessionId, *, headers: Iterable[tuple[str, object]] = (), now: float) -> None:
        """Give up an INVITE that is not answered yet (RFC 3261 section 9.1).

        Waits for a provisional answer before it sends CANCEL. A 2xx that crosses it is acknowledged and
        ended with BYE. SessionFailed(CANCELLED) follows in any case. Nothing happens when the session has
        just failed.
        """
        self._sessions.cancel(session, headers=headers, now=now)

    def ack(self, session: SessionId, *, body: bytes = b"", content_type: str | None = None, now: float) -> None:
        """Acknowledge the 2xx to an INVITE (or re-INVITE) without body; ``body`` is the answer to its offer."""
        self._sessions.ack(session, body=body, content_type=content_type, now=now)

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
        requires it); one that waits for the PRACK of the one before is queued.
        """
        self._sessions.progress(
            session,
            status,
            reason,
            headers=headers,
            body=body,
            content_type=content_type,
            reliable=reliable,
            now=now,
        )

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
        self._sessions.accept(
            session,
            status=status,
            headers=headers,
            body=body,
            content_type=content_type,
            contact=contact,
            session_expires=session_expires,
            now=now,
        )

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
        self._sessions.reject(session, status, reason, headers=headers, body=body, content_type=content_type, now=now)

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
        (``glare_delay``). Raises LocalProtocolError while another INVITE of the session is open.
        """
        return self._sessions.reinvite(session, headers=headers, body=body, content_type=content_type, now=now)

    def update(
        self,
        session: SessionId,
        *,
        headers: Iterable[tuple[str, object]] = (),
        body: bytes = b"",
        content_type: str | None = None,
        now: float,
    ) -> RequestId:
        """Send an UPDATE (RFC 3311), before or after the final answer; ends in ResponseReceived or RequestFailed."""
        return self._sessions.update(session, headers=headers, body=body, content_type=content_type, now=now)

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
        """Send INFO, MESSAGE, OPTIONS, REFER ... inside the session; ends in ResponseReceived or RequestFailed."""
        return self._sessions.request_in_session(
            session, method, headers=headers, body=body, content_type=content_type, now=now
        )

    def bye(self, session: SessionId, *, headers: Iterable[tuple[str, object]] = (), now: float) -> None:
        """End the session (RFC 3261 section 15.1.1); SessionEnded(BYE_SENT) follows.

        An answered session that waits for its ACK ends with the BYE once the ACK came or never will. Nothing
        happens when the session has just ended by itself.
        """
        self._sessions.bye(session, headers=headers, now=now)

    def replacement(self, request: Request) -> Replacement:
        """Return which session an INVITE with Replaces is for, or how to refuse it (RFC 3891 section 3).

        A core that lists ``replaces`` asks this for each InviteReceived; it then accepts the new session and ends
        the old one with ``bye``, or ``cancel`` when it is early.
        """
        return self._sessions.replacement(request)

    def glare_delay(self, session: SessionId) -> float:
        """Return how long to wait after a 491, in seconds: shorter for the side that did not choose the Call-ID.

        RFC 3261 section 14.1.
        """
        return self._sessions.glare_delay(self._sessions.get(session))

    def session(self, session: SessionId) -> "SessionView":
        """Return what is known of a session now: a frozen picture. Raises LocalProtocolError when it is over."""
        return self._sessions.view(session)
