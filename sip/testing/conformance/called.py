"""The tester when it is asked: requests of the element in calls, and calls that it begins."""

from __future__ import annotations

import enum
from typing import Final

import attrs

from sip.errors import RemoteProtocolError
from sip.message.request import Request
from sip.message.response import Response
from sip.testing.conformance.asked import Call, Came
from sip.testing.conformance.encounter import LATENCY, Encounter
from sip.testing.conformance.requests import owe_repetitions
from sip.testing.judges.finding import Force

_ANSWER: Final = (
    b"v=0\r\no=- 2 2 IN IP4 192.0.2.99\r\ns=-\r\nc=IN IP4 192.0.2.99\r\nt=0 0\r\n"
    b"m=audio 40002 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)


class Habit(enum.Enum):
    """What the tester does about an INVITE outside of dialogs, or about any request when it is silent."""

    ANSWER = "answers"
    RING = "rings"
    BUSY = "is busy"
    SILENT = "says nothing"


class Called:
    """Answers what the element asks."""

    def __init__(self, encounter: Encounter, calls: list[Call], contact: str) -> None:
        self.habit = Habit.ANSWER  #: for INVITEs outside of dialogs
        self.silent = False  #: about everything else
        self.came: list[Came] = []
        self._encounter = encounter
        self._calls = calls
        self._contact = contact
        self._branches: dict[str | None, str] = {}  #: the first line of each request that is one of its own

    def newest_invite(self) -> Came | None:
        """The last INVITE outside of dialogs."""
        return next((each for each in reversed(self.came) if each.call is not None and not each.twin), None)

    def receive(self, request: Request, sent_at: float) -> None:
        """Take a request of the element."""
        try:
            request.check(all=True)
            branch = request.via[0].branch
        except (RemoteProtocolError, IndexError) as error:
            clause = "its header fields are as the grammar says"
            self._encounter.blame("RFC 3261 section 25", Force.MUST, clause, f"{error}", request)
            return
        self._judge_branch(request)
        if request.method == "ACK":
            self._acked(request)
            return
        known = next(
            (
                each
                for each in self.came
                if (each.request.via[0].branch, each.request.method) == (branch, request.method)
            ),
            None,
        )
        if known is not None:
            self._encounter.case = known.case
            known.at.append(sent_at)
            if known.responses:
                self._encounter.send(bytes(known.responses[-1][1]), "answers again")
            elif request.to.tag is not None and not self.silent:
                self._answer_in_dialog(known)
            return
        came = Came(request, [sent_at], self._encounter.case)
        self.came.append(came)
        if request.method == "CANCEL":
            self._cancelled(came)
        elif request.to.tag is not None:
            self._in_dialog(came)
        elif request.method == "INVITE":
            self._invited(came)
        else:
            self.answer(came, 200, "agrees")

    def _judge_branch(self, request: Request) -> None:
        """RFC 3261 section 8.1.1.7: a branch serves one request alone, with its CANCEL and its ACK to a refusal."""
        branch, call = request.via[0].branch, f"{request.call_id} {request.cseq.number}"
        if self._branches.setdefault(branch, call) != call:
            clause = "the branch of a request is another than that of any before"
            self._encounter.blame("RFC 3261 section 8.1.1.7", Force.MUST, clause, f"branch {branch} again", request)

    # What comes ------------------------------------------------------------------------------------------------------

    def _acked(self, ack: Request) -> None:
        answered = [
            each
            for each in reversed(self.came)
            if each.request.method == "INVITE"
            and each.final is not None
            and each.request.call_id == ack.call_id
            and _acknowledges(ack, each.request, each.final)
        ]
        for came in sorted(answered, key=lambda each: each.final is None or each.final.to.tag != ack.to.tag):
            self._encounter.case = came.case
            came.acks.append(ack)
            if came.call is not None and came.final is not None and came.final.status < 300:
                came.call.up = True
            return
        clause = "ACK has the Call-ID and the CSeq number of an INVITE that was answered; to a refusal its branch, too"
        self._encounter.blame("RFC 3261 section 17.1.1.3", Force.MUST, clause, "there is none", ack)

    def _cancelled(self, cancel: Came) -> None:
        branch = cancel.request.via[0].branch
        came = next((each for each in self.came if each.request.via[0].branch == branch and each is not cancel), None)
        if came is None or came.request.method != "INVITE":
            clause = "CANCEL has the branch of its request"
            self._encounter.blame("RFC 3261 section 9.1", Force.MUST, clause, f"branch {branch}", cancel.request)
            self.answer(cancel, 481, "knows nothing of it")
            return
        came.cancelled = True
        self.answer(cancel, 200, "agrees")
        if came.final is None:
            self.answer(came, 487, "ends the call that was cancelled")

    def _in_dialog(self, came: Came) -> None:
        request = came.request
        ours, theirs = request.to.tag, request.from_.tag
        call = next(
            (
                each
                for each in self._calls
                if each.call_id == request.call_id and f"tag={ours}" in each.local and f"tag={theirs}" in each.remote
            ),
            None,
        )
        if call is None:
            clause = "the tags and the Call-ID are those of a dialog"
            self._encounter.blame("RFC 3261 section 12.2.1.1", Force.MUST, clause, "nobody knows it", request)
            self.answer(came, 481, "knows no such call")
            return
        call.remote_seq = request.cseq.number
        if request.method == "BYE" and call.ended_at is None:
            call.ended_at = self._encounter.now
        if self.silent:
            owe_repetitions(self._encounter, came)
        else:
            self._answer_in_dialog(came)

    def _answer_in_dialog(self, came: Came) -> None:
        request = came.request
        self.answer(came, 200, "agrees", body=_ANSWER if request.method in ("INVITE", "UPDATE") else b"")

    def _invited(self, came: Came) -> None:
        request = came.request
        came.call = Call(
            call_id=request.call_id,
            local=f"{request.headers.get('To', '')};tag=called{len(self.came)}",
            remote=request.headers.get("From", ""),
            target=str(getattr(request.contact[0], "uri", request.uri)) if request.contact else str(request.uri),
            route=tuple(str(each) for each in request.record_route),
            remote_seq=request.cseq.number,
        )
        self._calls.append(came.call)
        match self.habit:
            case Habit.ANSWER:
                self.answer(came, 180, "rings")
                self.accept(came)
            case Habit.RING:
                self.answer(came, 180, "rings")
            case Habit.BUSY:
                self.answer(came, 486, "is busy")
            case Habit.SILENT:
                owe_repetitions(self._encounter, came)

    # What goes back --------------------------------------------------------------------------------------------------

    def accept(self, came: Came) -> None:
        """Take a call."""
        self.answer(came, 200, "takes the call", body=_ANSWER)

    def fork(self, came: Came) -> Came:
        """Let another phone take the same call (RFC 3261 section 13.2.2.4)."""
        assert came.call is not None
        came.forked = True
        call = attrs.evolve(came.call, local=came.call.local + "fork", up=False, ended_at=None, bye_at=None)
        call.remote_seq = came.request.cseq.number
        twin = Came(came.request, list(came.at), call=call, twin=True)
        self._calls.append(call)
        self.came.append(twin)
        self.answer(twin, 200, "takes the call too, at another phone", body=_ANSWER)
        self._encounter.expect(
            2.0,
            lambda: call.ended_at is not None,
            "RFC 3261 section 13.2.2.4",
            Force.SHOULD,
            "a dialog of another branch that is not wanted is ended with BYE",
            "no BYE in it",
            came.request,
        )
        return twin

    def answer(self, came: Came, status: int, why: str, body: bytes = b"") -> None:
        """Answer a request; what the element owes for it is an ACK, where it is an INVITE."""
        tag = came.call.local.rpartition("tag=")[2] if came.call is not None else f"answer{len(self.came)}"
        response = came.request.response(
            status,
            to_tag=tag if status > 100 else None,
            headers=[("Contact", f"<{self._contact}>")] if came.request.method in ("INVITE", "UPDATE") else [],
            body=body,
            content_type="application/sdp" if body else None,
        )
        self._send(came, why, response)

    def _send(self, came: Came, why: str, response: Response) -> None:
        came.responses.append((self._encounter.now + LATENCY, response))
        self._encounter.send(bytes(response), why)
        if came.request.method == "INVITE" and response.status >= 200:
            self._owe_ack(came, response.status)

    def repeat_final(self, came: Came, why: str) -> None:
        """Send a final answer to INVITE again, as if its ACK had been lost."""
        assert came.final is not None
        self._encounter.send(bytes(came.final), why)
        self._owe_ack(came, came.final.status)

    def _owe_ack(self, came: Came, status: int) -> None:
        came.owed_acks += 1
        number = came.owed_acks
        section = "17.1.1.2" if status >= 300 else "13.2.2.4"
        self._encounter.expect(
            2 * LATENCY + (0.1 if status >= 300 else 2.0),
            lambda: len(came.acks) >= number,
            f"RFC 3261 section {section}",
            Force.MUST,
            "each final answer to INVITE, repeated or not, is acknowledged",
            f"no ACK to the {status}" + (f", copy {number}" if number > 1 else ""),
            came.request,
        )


def _acknowledges(ack: Request, invite: Request, final: Response) -> bool:
    """Whether an ACK is found to be one: to a refusal by its transaction, to a 2xx by its dialog."""
    if final.status >= 300:
        return ack.via[0].branch == invite.via[0].branch
    return ack.cseq.number == invite.cseq.number
