"""Reliable provisional answers to our INVITE (RFC 3262 section 4): taken in order, each acknowledged by a PRACK."""

from __future__ import annotations

from typing import Final

from sip.core.dialog import Dialog
from sip.errors import LocalProtocolError
from sip.ids import RequestId
from sip.message.bodies import describes
from sip.message.lines import Lines
from sip.message.response import Response
from sip.session.owner import SessionOwner
from sip.session.prack import Prack, Unacknowledged, rseq_of
from sip.session.session import Session
from sip.session.tables import SessionState

_NONE: Final = frozenset[str]()


class ReliableReceived:
    """Those of all early dialogs of one INVITE. ``by_core`` leaves every PRACK to the core."""

    __slots__ = ("_by_core", "_rseqs", "_session", "_sessions", "_unacknowledged", "offered")

    def __init__(self, sessions: SessionOwner, session: Session, *, by_core: bool) -> None:
        self._sessions = sessions
        self._session = session
        self._by_core = by_core
        self._rseqs: dict[str, int] = {}  # the last of each early dialog, by To tag
        self._unacknowledged: dict[tuple[str, int], Unacknowledged] = {}  # wait for the core, by To tag and RSeq
        self.offered: frozenset[str] = _NONE  #: To tags whose offer came in a provisional answer

    def take(self, dialog: Dialog, response: Response, *, cseq: int, described: bool, now: float) -> bool:
        """Acknowledge one; False for one seen before or too early. One with an offer waits for the core's answer.

        ``described`` says that the INVITE itself carried the offer.
        """
        rseq, tag = rseq_of(response), dialog.remote_tag
        if rseq < 0:
            return True
        last = self._rseqs.get(tag)
        if last is not None and rseq != last + 1:
            self._sessions.context.count("ignored: reliable provisional out of order or again")
            return False
        if self._session.open_pracks >= self._sessions.context.config.max_forks:
            self._sessions.context.count("ignored: reliable provisional while too many PRACKs are not answered")
            return False
        offers = not described and describes(response) and tag not in self.offered
        waiting = Unacknowledged(dialog, f"{rseq} {cseq} INVITE", offers)
        if not offers and not self._by_core:
            Prack(self._sessions, self._session, waiting, [], b"", None, report=False).send(now)
        elif len(self._unacknowledged) >= self._sessions.context.config.max_forks:
            self._sessions.context.count("ignored: too many reliable provisionals that the core has not acknowledged")
            return False
        else:
            self._unacknowledged[tag, rseq] = waiting
            if offers:
                self.offered |= {tag}
        self._rseqs[tag] = rseq
        return True

    def awaits_prack(self, response: Response) -> bool:
        """Whether the core is to acknowledge it."""
        return (response.to.tag or "", rseq_of(response)) in self._unacknowledged

    @property
    def owes_answer(self) -> bool:
        """Whether an offer waits for our PRACK."""
        return any(waiting.offers for waiting in self._unacknowledged.values())

    def acknowledge(
        self, response: Response | None, headers: Lines, body: bytes, content_type: str | None, now: float
    ) -> RequestId:
        """Send the PRACK of the core, for the first that waits if it does not say which; raises LocalProtocolError."""
        session, waiting_ones = self._session, self._unacknowledged
        key = next(iter(waiting_ones), None) if response is None else (response.to.tag or "", rseq_of(response))
        waiting = None if key is None else waiting_ones.get(key)
        if key is None or waiting is None:
            if response is None and session.state is SessionState.PROCEEDING:
                raise LocalProtocolError("no provisional answer waits for PRACK")
            return self._sessions.fail_request(session.id, session.owner, "ended")
        if waiting.offers and not body:
            raise LocalProtocolError("PRACK has to answer the offer in the provisional answer")
        if body and not waiting.offers and session.updates:
            raise LocalProtocolError("another offer of the session is open")
        del waiting_ones[key]
        return Prack(self._sessions, session, waiting, headers, body, content_type, report=True).send(now)

    def keep_only(self, dialog: Dialog | None) -> None:
        """Drop what came from other early dialogs: they are over."""
        self._unacknowledged = {key: each for key, each in self._unacknowledged.items() if each.dialog is dialog}
