"""Somebody in a conference: joins, commands, follows, and answers what the Focus sends."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

import attrs

from c3p import (
    CCCP_TYPE,
    CONFERENCE_INFO_TYPE,
    AddUser,
    C3PError,
    ClientInfo,
    Code,
    Command,
    ConferenceInfo,
    ConferenceKeys,
    Endpoint,
    Request,
    Response,
    User,
    parse_document,
    uri_key,
)
from pyc3p.conform.call import Call
from pyc3p.conform.case import blame, skip
from pyc3p.conform.conference.answers import Answered, document_in
from pyc3p.conform.peer import UNREADABLE, Exchange, Peer
from pyc3p.conform.surroundings import Surroundings
from pyc3p.conform.wire import Arrival
from sip import Entropy, Uri, body_of
from sip import Request as SipRequest
from sip import Response as SipResponse

#: What a client of the protocol says of itself in each request that makes a dialog.
_CLIENT: Final = (("Supported", "timer"), ("Allow", "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, NOTIFY"))
#: Responses that are remembered for requests that come again.
_REMEMBERED: Final = 500


@attrs.frozen(kw_only=True, eq=False)
class Told:
    """A document that the Focus sent by itself, and when."""

    at: float  #: monotonic seconds
    document: Response | ConferenceInfo
    data: bytes = attrs.field(repr=False)


class InConference(Surroundings, Protocol):
    """The bench, as seen from somebody in its conference."""

    entropy: Entropy
    conference: str  #: its URI

    def guid(self) -> str:
        """The name of an endpoint that nobody has."""


class Member:
    """One device of a user."""

    def __init__(self, bench: InConference, peer: Peer, aor: Uri) -> None:
        self.peer, self.aor = peer, aor
        self.endpoint = bench.guid()
        self.call: Call | None = None
        self.following: Call | None = None
        self.answers_info = True  #: whether INFO is answered at all
        self.answers_notify = True  #: whether NOTIFY is
        self.results: list[Told] = []  #: what came in INFO
        self.notified: list[Told] = []  #: documents of the subscription, in their order
        self.roster: ConferenceInfo | None = None  #: as the documents make it
        self.subscription_state = ""  #: of the last notification, as it was written
        self.asked: list[Answered] = []
        self.ended = False  #: whether the Focus has ended the dialog
        self.problems: list[str] = []  #: documents that nobody can read
        self._bench = bench
        self._answers: dict[str, SipResponse] = {}
        self._number = bench.entropy.integer(20)
        peer.on_request = self._came

    # What comes by itself

    def _came(self, arrival: Arrival) -> None:
        request = arrival.message
        assert isinstance(request, SipRequest)
        if request.method == "ACK":
            return
        with contextlib.suppress(*UNREADABLE):
            key = f"{request.call_id} {request.cseq.number} {request.method}"
            if key in self._answers:
                self.peer.send(self._answers[key], arrival=arrival)
                return
            if not self._take(request, arrival):
                return
            if request.method != "BENOTIFY" and len(self._answers) < _REMEMBERED:
                self._answers[key] = self.peer.answer(arrival, 200)

    def _take(self, request: SipRequest, arrival: Arrival) -> bool:
        """Note what it says; whether it is to be answered."""
        mine = self.call is not None and request.call_id == self.call.call_id
        if request.method == "INFO" and mine:
            self._note(body_of(request, CCCP_TYPE), arrival.at, self.results, Response)
            return self.answers_info
        if request.method in ("NOTIFY", "BENOTIFY"):
            self.subscription_state = request.headers.get("Subscription-State") or ""
            body = body_of(request, CONFERENCE_INFO_TYPE)
            if body:
                self.take_roster(body, arrival.at)
            return self.answers_notify
        if request.method == "BYE" and mine:
            self.ended = True
        return request.method in ("BYE", "UPDATE", "OPTIONS", "MESSAGE")

    def _note(self, body: bytes, at: float, into: list[Told], kind: type[Any]) -> None:
        try:
            document = parse_document(body)
        except C3PError as error:
            self.problems.append(str(error))
            return
        if isinstance(document, kind):
            into.append(Told(at=at, document=document, data=body))
        else:
            self.problems.append(f"a {type(document).__name__} where a {kind.__name__} belongs")

    def take_roster(self, body: bytes, at: float) -> None:
        """A document of the subscription."""
        before = len(self.notified)
        self._note(body, at, self.notified, ConferenceInfo)
        for each in self.notified[before:]:
            assert isinstance(each.document, ConferenceInfo)
            with contextlib.suppress(C3PError):
                partial = self.roster is not None and each.document.state == "partial"
                self.roster = self.roster.apply(each.document) if partial and self.roster else each.document.settled()

    # Joining

    def request_id(self) -> str:
        """One that was not used before."""
        self._number += 1
        return str(self._number)

    def document(self, command: Command, *, to: str | None = None, request_id: str | None = None) -> Request:
        """A C3P request of this user."""
        return Request(
            request_id=request_id or self.request_id(),
            from_=str(self.aor),
            to=to or self._bench.conference,
            command=command,
        )

    def add_user(self) -> AddUser:
        """The command that joins."""
        return AddUser(
            conference_keys=ConferenceKeys(conf_entity=self._bench.conference),
            user=User(
                entity=str(self.aor),
                display_text=self.peer.name.capitalize(),
                roles=("attendee",),
                endpoints=(Endpoint(entity=self.endpoint, client_info=ClientInfo(lobby_capable=True)),),
            ),
        )

    def invite(self, body: bytes | Request, *, headers: Iterable[tuple[str, object]] = ()) -> SipRequest:
        """The INVITE that joins."""
        uri = self._bench.conference
        own = [each for each in _CLIENT if each[0] not in {name for name, _ in headers}]
        return self.peer.request(
            "INVITE", uri, from_uri=self.aor, headers=[*own, *headers], body=bytes(body), content_type=CCCP_TYPE
        )

    def try_to_join(
        self, body: bytes | Request | None = None, *, headers: Iterable[tuple[str, object]] = (), ack: bool = True
    ) -> Answered:
        """Join; the dialog is kept where it is taken."""
        document = self.document(self.add_user()) if body is None else body
        exchange = self.peer.ask(self.invite(document, headers=headers), within=self._bench.ring_patience)
        if exchange.status < 300:
            self.call = Call.of_caller(self.peer, exchange.request, exchange.final)
            if ack:
                self.call.acknowledge()
        return self._answered(document if isinstance(document, Request) else None, exchange)

    def join(self) -> Answered:
        """Join, or end the case where that is not taken."""
        answered = self.try_to_join()
        if not answered.succeeded:
            skip(f"{self.peer.name} is not let in: {answered.told}")
        return answered

    def _answered(self, document: Request | None, exchange: Exchange) -> Answered:
        found, problem = document_in(exchange.final)
        answered = Answered(
            request=document, sip=exchange.final, responses=() if found is None else (found,), problem=problem
        )
        self.asked.append(answered)
        return answered

    # Commanding

    def send_command(
        self,
        body: bytes | Request,
        *,
        content_type: str = CCCP_TYPE,
        within: float | None = None,
    ) -> Answered:
        """INFO with a document, or with something that is none, and its SIP response."""
        call = self.in_conference
        request = call.request("INFO", body=bytes(body), content_type=content_type)
        exchange = self.peer.ask(request, within=within)
        call.cseq = max(call.cseq, exchange.request.cseq.number)
        return self._answered(body if isinstance(body, Request) else None, exchange)

    def command(self, command: Command | Request, *, within: float | None = None) -> Answered:
        """A command, and its end: in the response to INFO or in an INFO of the Focus."""
        document = command if isinstance(command, Request) else self.document(command)
        answered = self.send_command(document)
        if answered.status >= 300 or answered.final is not None:
            return answered
        return self.ended_by(answered, within=within)

    def ended_by(self, answered: Answered, *, within: float | None = None) -> Answered:
        """The same with what came by INFO meanwhile, and until its end."""
        assert answered.request is not None
        number = answered.request.request_id

        def came() -> list[Response]:
            found = [each.document for each in self.results if isinstance(each.document, Response)]
            return [each for each in found if each.request_id == number]

        self.until(lambda: self.ended or any(each.code is not Code.PENDING for each in came()), within=within)
        whole = attrs.evolve(answered, responses=(*answered.responses, *came()), problem="no final response by INFO")
        self.asked = [whole if each is answered else each for each in self.asked]
        return whole

    @property
    def in_conference(self) -> Call:
        """The Focus dialog; ends the case where there is none."""
        if self.call is None:
            skip(f"{self.peer.name} is in no conference")
        return self.call

    def leave(self) -> Exchange:
        """BYE and what is answered."""
        return self.in_conference.hang_up()

    # Following

    def try_to_subscribe(
        self, *, event: str = "conference", expires: int | None = 600, headers: Iterable[tuple[str, object]] = ()
    ) -> Exchange:
        """SUBSCRIBE outside of dialogs, and the answer."""
        lines: list[tuple[str, object]] = [("Event", event), ("Accept", CONFERENCE_INFO_TYPE)]
        lines += [("Expires", str(expires))] if expires is not None else []
        uri = self._bench.conference
        exchange = self.peer.ask(self.peer.request("SUBSCRIBE", uri, from_uri=self.aor, headers=[*lines, *headers]))
        if exchange.status < 300:
            self.following = Call.of_caller(self.peer, exchange.request, exchange.final)
            body = body_of(exchange.final, CONFERENCE_INFO_TYPE)
            if body and "Content-Type" in exchange.final.headers:
                self.take_roster(body, exchange.first_at)
        return exchange

    def follow(self) -> None:
        """Subscribe, and have the first document; ends the case where there is none."""
        exchange = self.try_to_subscribe()
        if exchange.status >= 300:
            skip(f"SUBSCRIBE is answered {exchange.told}")
        if not self.until(lambda: self.roster is not None):
            skip("no document comes after SUBSCRIBE")

    def subscribe_again(self, expires: int) -> Exchange:
        """SUBSCRIBE in the dialog of the subscription."""
        if self.following is None:
            skip("there is no subscription")
        lines = [("Event", "conference"), ("Accept", CONFERENCE_INFO_TYPE), ("Expires", str(expires))]
        exchange = self.following.ask("SUBSCRIBE", headers=lines)
        body = body_of(exchange.final, CONFERENCE_INFO_TYPE)
        if exchange.status < 300 and body and "Content-Type" in exchange.final.headers:
            self.take_roster(body, exchange.first_at)
        return exchange

    def until(self, wanted: Callable[[], object], *, within: float | None = None) -> bool:
        """Let messages come until something is so; whether it is so in time."""
        end = time.monotonic() + (self._bench.patience if within is None else within)
        while not wanted():
            if time.monotonic() >= end:
                return False
            self._bench.wait(end)
        return True

    # What the roster shows

    def shown(self, user: Uri | str) -> User | None:
        """A user in the roster."""
        users = self.roster.users.users if self.roster is not None and self.roster.users is not None else ()
        return next((each for each in users if uri_key(each.entity) == uri_key(str(user))), None)

    def sees(self, user: Uri | str, *, within: float | None = None) -> User:
        """A user, who is in the roster or comes into it; blames the target where not."""
        if not self.until(lambda: self.shown(user), within=within):
            blame(f"{user} is not in the roster of {self.peer.name}")
        found = self.shown(user)
        assert found is not None
        return found

    def sees_gone(self, user: Uri | str, *, within: float | None = None) -> None:
        """Blames the target where a user does not go out of the roster, or to ``disconnected``."""

        def gone() -> bool:
            found = self.shown(user)
            return found is None or all(each.status == "disconnected" for each in found.endpoints)

        if not self.until(gone, within=within):
            blame(f"{user} is still in the roster of {self.peer.name}")
