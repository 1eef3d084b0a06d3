"""The tester: a user agent that does what it is told, right or wrong, and knows what the element owes for it.

It writes its messages itself and keeps nothing but what it said and heard. So a mistake of the transactions or dialogs
of this library, where they are what is tested, is not made twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

import attrs

from sip.errors import RemoteProtocolError
from sip.flow import Address
from sip.headers.name_addr import NameAddr
from sip.message.request import Request
from sip.message.response import Response
from sip.testing.conformance.answers import judge_place, judge_repetition, owe_answers, owe_repetition, owe_same_answer
from sip.testing.conformance.asked import Asked, Call
from sip.testing.conformance.called import Called
from sip.testing.conformance.element import ELEMENT, SipElement
from sip.testing.conformance.encounter import PROXY, TESTER, Encounter, Passed
from sip.testing.judges.finding import Finding, Force
from sip.testing.judges.traffic import check_traffic

if TYPE_CHECKING:
    from sip.testing.conformance.registering import Registering

CONTACT: Final = f"sip:tester@{TESTER.host}:{TESTER.port}"
CONTACT_VALUE: Final = f"<{CONTACT}>"  #: as it stands in a Contact header
#: A description of sound that any phone can answer.
SDP: Final = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.99\r\ns=-\r\nc=IN IP4 192.0.2.99\r\nt=0 0\r\n"
    b"m=audio 40000 RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
)
ROUTE: Final = f"<sip:{PROXY.host}:{PROXY.port};lr>"


@attrs.frozen(kw_only=True)
class Targets:
    """Addresses that the element serves, by what becomes of calls to them."""

    answers: str
    rings: str | None = None
    refuses: str | None = None


class Tester:
    """Asks, answers, and remembers."""

    def __init__(self, element: SipElement, targets: Targets) -> None:
        """``targets`` are the addresses that the element serves."""
        self.encounter = Encounter(element, self._receive)
        self.element = element
        self.targets = targets
        self.asked: list[Asked] = []
        self.calls: list[Call] = []
        self.called = Called(self.encounter, self.calls, CONTACT)
        self.registering: Registering | None = None  #: where the element is a registrar
        self._number = 0

    @property
    def now(self) -> float:
        """Virtual seconds."""
        return self.encounter.now

    def find(self, fits: Callable[[Asked], bool]) -> list[Asked]:
        """What was asked and fits, the newest first."""
        return [each for each in reversed(self.asked) if fits(each)]

    def open_calls(self) -> list[Call]:
        """Sessions, the newest first."""
        return [each for each in reversed(self.calls) if each.open]

    # Asking ----------------------------------------------------------------------------------------------------------

    def next_number(self) -> int:
        """A number that was not used before."""
        self._number += 1
        return self._number

    def via(self, *, rport: bool = True, branch: str | None = None) -> str:
        """A Via of the tester's, with a new branch unless one is given."""
        made = branch or f"z9hG4bKtester{self.next_number()}"
        return f"SIP/2.0/UDP {TESTER};branch={made}" + (";rport" if rport else "")

    def ask(
        self,
        method: str,
        uri: str,
        why: str,
        *,
        call: Call | None = None,
        headers: Iterable[tuple[str, object]] = (),
        body: bytes = b"",
        rport: bool = True,
        port: int = TESTER.port,
        acks: bool = True,
        final_within: float | None = 40.0,
        cseq: int | None = None,
        contact: str | None = CONTACT_VALUE,
    ) -> Asked:
        """Send a request, in a call or outside of any; the element owes what `owe_answers` says."""
        call = call or self.new_call(uri)
        if cseq is None:
            call.local_seq += 1
            cseq = call.local_seq
        request = self._request(method, call, cseq, headers, body, rport, contact)
        back = Address(TESTER.host, port if rport else TESTER.port)
        asked = Asked(request, self.now, Address(TESTER.host, port), back, call, self.encounter.case, acks=acks)
        self.asked.append(asked)
        self.encounter.send(bytes(request), why, asked.source)
        if method == "BYE":
            call.bye_at = self.now
        owe_answers(self.encounter, asked, final_within=final_within)
        return asked

    def _request(
        self,
        method: str,
        call: Call,
        cseq: int,
        headers: Iterable[tuple[str, object]],
        body: bytes,
        rport: bool,
        contact: str | None = CONTACT_VALUE,
    ) -> Request:
        return Request.build(
            method,
            call.target,
            [
                ("Via", self.via(rport=rport)),
                *(("Route", each) for each in call.route),
                ("Max-Forwards", 70),
                ("From", call.local),
                ("To", call.remote),
                ("Call-ID", call.call_id),
                ("CSeq", f"{cseq} {method}"),
                *([("Contact", contact)] if contact is not None else []),
                *([("Content-Type", "application/sdp")] if body == SDP else []),
                *headers,
            ],
            body,
        )

    def unsent(self, method: str, call: Call) -> Asked:
        """A request that exists on paper only."""
        return Asked(self._request(method, call, 1, (), b"", True), self.now, TESTER, TESTER, call)

    def merge(self, asked: Asked, why: str) -> Asked:
        """Send a request a second time as a fork does: with a branch of its own (RFC 3261 section 8.2.2.2)."""
        request = asked.request.evolve(set={"Via": self.via()})
        again = Asked(request, self.now, asked.source, TESTER, attrs.evolve(asked.call) if asked.call else None)
        again.case = self.encounter.case
        self.asked.append(again)
        self.encounter.send(bytes(request), why)
        return again

    def new_call(self, uri: str) -> Call:
        """What a request outside of dialogs has."""
        number = self.next_number()
        call = Call(
            call_id=f"call-{number}@{TESTER.host}",
            local=f"<sip:tester@{TESTER.host}>;tag=t{number}",
            remote=f"<{uri}>",
            target=uri,
        )
        self.calls.append(call)
        return call

    def repeat(self, asked: Asked, why: str) -> None:
        """Send a request again, as if its answer had been lost."""
        asked.copies += 1
        self.encounter.send(bytes(asked.request), why, asked.source)
        owe_same_answer(self.encounter, asked)

    def cancel(self, asked: Asked, why: str, *, branch: str | None = None) -> Asked:
        """Send a CANCEL for a request (RFC 3261 section 9.1), or for one that never was."""
        request = asked.request
        cancel = Request.build(
            "CANCEL",
            str(request.uri),
            [
                ("Via", request.headers.get("Via", "") if branch is None else self.via(branch=branch)),
                *(("Route", each) for each in request.headers.get_all("Route")),
                ("Max-Forwards", 70),
                *((name, request.headers.get(name, "")) for name in ("From", "To", "Call-ID")),
                ("CSeq", f"{request.cseq.number} CANCEL"),
            ],
        )
        sent = Asked(cancel, self.now, asked.source, asked.back, asked.call, self.encounter.case)
        self.asked.append(sent)
        if branch is None and asked.cancelled_at is None:
            asked.cancelled_at = self.now
        self.encounter.send(bytes(cancel), why, asked.source)
        owe_answers(self.encounter, sent, final_within=1.0)
        return sent

    def ack(self, asked: Asked, why: str) -> None:
        """Acknowledge a final answer to INVITE."""
        request, final, call = asked.request, asked.final, asked.call
        assert final is not None
        assert call is not None
        refused = final.status >= 300
        asked.acked_at = self.now if asked.acked_at is None else asked.acked_at
        call.unacknowledged_since = None
        ack = Request.build(
            "ACK",
            str(request.uri) if refused else call.target,
            [
                ("Via", request.headers.get("Via", "") if refused else self.via()),
                *(("Route", each) for each in (request.headers.get_all("Route") if refused else call.route)),
                ("Max-Forwards", 70),
                ("From", request.headers.get("From", "")),
                ("To", final.headers.get("To", "")),
                ("Call-ID", request.call_id),
                ("CSeq", f"{request.cseq.number} ACK"),
                *([] if request.body or refused else [("Content-Type", "application/sdp")]),
            ],
            b"" if request.body or refused else SDP,  # the answer to the offer in the 2xx
        )
        self.encounter.send(bytes(ack), why, asked.source)

    def judge_traffic(self) -> None:
        """Hold all that was sent against the text (`check_traffic`); what the tester did wrong was meant."""
        encounter = self.encounter
        for finding in check_traffic(encounter.passages(), until=self.now):
            if finding.by in (ELEMENT, None):
                encounter.case = self._case_of(finding)
                encounter.note(finding)

    def _case_of(self, finding: Finding) -> str:
        """The case to which the messages of a finding belong."""
        for message in finding.messages:
            branch = message.via[0].branch if isinstance(message, Request | Response) and message.via else None
            asked = (each.case for each in self.asked if each.request.via[0].branch == branch)
            came = (each.case for each in self.called.came if each.request.via[0].branch == branch)
            if (case := next(asked, None) or next(came, None)) is not None:
                return case
        return self.encounter.case

    # Hearing ---------------------------------------------------------------------------------------------------------

    def _receive(self, passed: Passed) -> None:
        message = passed.message
        if message is None:
            if passed.data.strip() and not self.encounter.is_rubbish(passed.data):
                clause = "what is sent is a SIP message"
                self.encounter.blame("RFC 3261 section 7", Force.MUST, clause, repr(passed.data[:200]))
        elif isinstance(message, Request):
            self.called.receive(message, passed.at)
        else:
            self._answered(message, passed)

    def send_rubbish(self, data: bytes) -> None:
        """Send what is no SIP message, or a broken one, which may be refused."""
        self.encounter.rubbish.append(data)
        self.encounter.send(data, "sends rubbish")

    def _answered(self, response: Response, passed: Passed) -> None:
        if self.encounter.is_rubbish(passed.data):
            return
        try:
            response.check(all=True)
            key = response.via[0].branch, response.cseq.method
        except (RemoteProtocolError, IndexError) as error:
            clause = "its header fields are as the grammar says"
            self.encounter.blame("RFC 3261 section 25", Force.MUST, clause, f"{error}", response)
            return
        asked = next((each for each in self.asked if (each.request.via[0].branch, each.request.method) == key), None)
        if asked is None:
            clause = "an answer has the Via and the method of CSeq of a request"
            self.encounter.blame("RFC 3261 section 8.2.6.2", Force.MUST, clause, f"branch {key[0]}, {key[1]}", response)
            return
        self.encounter.case = asked.case
        judge_place(self.encounter, asked, response, passed.remote)
        judge_repetition(self.encounter, asked, response, passed.at)
        first = asked.final is None
        asked.responses.append((self.now, response))
        self._learn(asked, response, first)

    def _learn(self, asked: Asked, response: Response, first: bool) -> None:
        """What an answer changes for the tester."""
        call, method = asked.call, asked.request.method
        assert call is not None
        if method == "INVITE":
            if 100 < response.status < 300 and first:
                self._dialog(call, response, new=asked.request.to.tag is None)
            if response.status >= 200:
                if first and response.status < 300:
                    self._judge_description(asked, response)
                call.up = call.up or response.status < 300
                if asked.acks:
                    self.ack(asked, "acknowledges" if first else "acknowledges again")
                elif first:
                    call.unacknowledged_since = self.now if response.status < 300 else None
                    owe_repetition(self.encounter, asked, response)
        elif method == "BYE" and response.status >= 200 and call.ended_at is None:
            call.ended_at = self.now

    def _judge_description(self, asked: Asked, response: Response) -> None:
        if not response.body:
            clause = "a 2xx to INVITE has the answer to its offer, or an offer when there was none"
            self.encounter.blame("RFC 3261 section 13.2.1", Force.MUST, clause, "no body", asked.request, response)

    def _dialog(self, call: Call, response: Response, *, new: bool) -> None:
        """RFC 3261 sections 12.1.2 and 12.2.1.2; what is missing was blamed."""
        contact = next(iter(response.contact), None)
        if isinstance(contact, NameAddr):
            call.target = str(contact.uri)
        if new:
            call.remote = response.headers.get("To") or call.remote
            call.route = tuple(str(each) for each in reversed(response.record_route))
