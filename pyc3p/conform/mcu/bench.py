"""What a case for an MCU has around it: a Focus of ours that commands it and hears its reports, and phones."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import attrs

from c3p import (
    CCCP_TYPE,
    AddConference,
    AddUser,
    C3PError,
    Code,
    Command,
    ConferenceInfo,
    ConferenceKeys,
    ConferenceView,
    DeleteConference,
    Endpoint,
    EntityState,
    EntityView,
    GetConference,
    MediaFiltersRules,
    Request,
    Response,
    focus_uri,
    mcu_uri,
    new_guid,
    parse_document,
)
from pyc3p.conform.bench import Bench, BenchSettings, Facts
from pyc3p.conform.case import Silent, blame, skip
from pyc3p.conform.conference.commands import dial_out
from pyc3p.conform.findings import TARGET
from pyc3p.conform.mcu.callback import Callback
from pyc3p.conform.mcu.http import HttpConnection, HttpMessage
from pyc3p.conform.mcu.replies import Replied
from pyc3p.conform.mcu.target import McuTarget
from pyc3p.conform.phone import Manner, Phone
from pyc3p.conform.target import Target
from pyc3p.conform.wire import Pace
from sip import DigestClient, Entropy

#: Content-Type of a C3P document over HTTP.
DOCUMENT_TYPE: Final = f"{CCCP_TYPE}; charset=utf-8"
_ID_LENGTH: Final = 8


class McuBench(Bench):
    """The surroundings of one case."""

    def __init__(
        self,
        target: McuTarget,
        facts: Facts,
        settings: BenchSettings,
        *,
        entropy: Entropy,
        pace: Pace,
        digest: DigestClient | None,
    ) -> None:
        # Nothing is registered and nobody is called there by SIP: it calls us.
        called = Target(transport="UDP", host=target.host, port=5060, address=target.address, domain=target.host)
        super().__init__(called, facts, settings, entropy=entropy, pace=pace, digest=digest)
        self.mcu = target
        self.phones: list[Phone] = []
        self.callback = Callback(self.wire)
        self.asked: list[Replied] = []
        self.conference = ""
        self.added: dict[str, None] = {}  #: conferences that are to be dropped
        self._number = entropy.integer(24)

    # Documents

    def request_id(self) -> str:
        """One that was not used before."""
        self._number += 1
        return str(self._number)

    def guid(self) -> str:
        """The name of an endpoint that nobody has."""
        return new_guid(self.entropy.token(16))

    def document(self, command: Command, **changes: Any) -> Request:
        """A request of the Focus, in the name of a presenter unless ``changes`` say otherwise."""
        given: dict[str, Any] = {
            "request_id": self.request_id(),
            "from_": self.conference,
            "to": self.own_uri,
            "originator": str(self.mcu.organizer),
            "originator_role": "presenter",
        }
        return Request(command=command, **(given | changes))

    @property
    def own_uri(self) -> str:
        """The MCU-Conference-URI of the conference."""
        return mcu_uri(self.conference, self.mcu.kind)

    def post(self, body: bytes | Request, *, secret: str | None = None, head: bytes | None = None) -> HttpMessage:
        """Post something and wait for the answer. Raises Silent when nothing comes, or no connection is taken.

        ``secret`` is shown in place of that of the Focus; ``head`` is what is sent in place of a right head.
        """
        target, data = self.mcu, bytes(body)
        try:
            line = HttpConnection.connect(self.wire, target.remote, target.tls, target.host)
        except OSError as error:
            raise Silent(f"no connection: {error.strerror or error}") from error
        line.send((self.head(len(data), secret=secret) if head is None else head) + data, target.remote)
        end = time.monotonic() + self.patience
        while line.answered is None and not line.problem and time.monotonic() < end:
            self.wire.wait(end)
        line.close()
        if line.answered is None:
            raise Silent(line.problem or f"nothing in {self.patience:g} s to a document")
        return line.answered

    def head(self, length: int, *, secret: str | None = None, content_type: str = DOCUMENT_TYPE) -> bytes:
        """The head of a POST."""
        target = self.mcu
        shown = target.secret if secret is None else secret
        lines = [
            f"POST {target.path} HTTP/1.1",
            f"Host: {target.host}:{target.port}",
            *([f"Authorization: Bearer {shown}"] if shown else []),
            f"Content-Type: {content_type}",
            f"Accept: {CCCP_TYPE}",
            f"Content-Length: {length}",
            "Connection: close",
        ]
        return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n"

    def ask(self, body: bytes | Command | Request, *, secret: str | None = None, **changes: Any) -> Replied:
        """Post a document, and what is said to it by HTTP."""
        document = body if isinstance(body, bytes | Request) else self.document(body, **changes)
        http = self.post(document, secret=secret)
        found, problem = None, ""
        if http.body:
            try:
                found = parse_document(http.body)
            except C3PError as error:
                problem = str(error)
        replied = Replied(
            request=document if isinstance(document, Request) else None,
            http=http,
            responses=(found,) if isinstance(found, Response) else (),
            problem=problem,
        )
        self.asked.append(replied)
        return replied

    def command(self, command: Command | Request, *, within: float | None = None, **changes: Any) -> Replied:
        """The same, until its end, which may come to the callback."""
        replied = self.ask(command, **changes)
        return replied if replied.status >= 300 or replied.final is not None else self.ended(replied, within=within)

    def ended(self, replied: Replied, *, within: float | None = None) -> Replied:
        """The same with what came to the callback meanwhile, and until its end."""
        assert replied.request is not None
        number = replied.request.request_id

        def came() -> list[Response]:
            documents = [each.document for each in self.callback.reports]
            return [each for each in documents if isinstance(each, Response) and each.request_id == number]

        self.until(lambda: any(each.code is not Code.PENDING for each in came()), within=within)
        whole = attrs.evolve(replied, responses=(*replied.responses, *came()), problem="no final response")
        self.asked = [whole if each is replied else each for each in self.asked]
        return whole

    def until(self, wanted: Callable[[], object], *, within: float | None = None) -> bool:
        """Let messages come until something is so; whether it is so in time."""
        end = time.monotonic() + (self.patience if within is None else within)
        while not wanted():
            if time.monotonic() >= end:
                return False
            self.wait(end)
        return True

    # Conferences

    def new_conference(self) -> str:
        """The URI of a conference that the MCU does not know."""
        self.conference = focus_uri(str(self.mcu.organizer), self.entropy.token(_ID_LENGTH).upper())
        return self.conference

    def bootstrap(
        self,
        *,
        locked: bool | None = None,
        rules: MediaFiltersRules | None = None,
        callback: str | None = None,
    ) -> AddConference:
        """addConference as a Focus gives it to an MCU."""
        state = EntityState(locked=locked, media_filters_rules=rules)
        view = EntityView(entity=self.own_uri, state="full", entity_state=state)
        return AddConference(
            conference_info=ConferenceInfo(
                entity=self.conference, state="full", conference_view=ConferenceView(state="full", views=(view,))
            ),
            callback_uri=self.callback.url if callback is None else callback,
        )

    def add(self, **changes: Any) -> Replied:
        """A new conference on the MCU."""
        self.new_conference()
        replied = self.ask(self.bootstrap(**changes))
        if replied.succeeded:
            self.added[self.conference] = None
        return replied

    def stand(self, **changes: Any) -> None:
        """The same, or the end of the case where that is refused."""
        replied = self.add(**changes)
        if not replied.succeeded:
            skip(f"addConference is answered {replied.told}")

    def drop(self, conference: str | None = None) -> Replied:
        """deleteConference."""
        uri = conference or self.conference
        replied = self.ask(DeleteConference(conference_keys=ConferenceKeys(conf_entity=uri)), from_=uri)
        if replied.succeeded:
            self.added.pop(uri, None)
        return replied

    def get(self) -> Replied:
        """getConference."""
        return self.command(GetConference(conference_keys=ConferenceKeys(conf_entity=self.conference)))

    # Phones

    def phone(self, name: str, *, manner: Manner = Manner.TAKES, status: int = 486, sdp: bytes = b"") -> Phone:
        """A phone of ours."""
        phone = Phone(self, name, manner=manner, status=status, sdp=sdp)
        self.phones.append(phone)
        return phone

    def dial(
        self, phone: Phone | str, *, endpoint: str | None = None, role: str = "attendee", muted: bool = False
    ) -> AddUser:
        """addUser that has a phone called."""
        address = phone if isinstance(phone, str) else str(phone.address)
        return dial_out(
            self.conference, address, endpoint=endpoint or self.guid(), role=role, kind=self.mcu.kind, muted=muted
        )

    def sees(self, user: object, *, status: str = "connected") -> Endpoint:
        """An endpoint in a state, which is reported or comes to be; blames the target where not."""
        if not self.until(lambda: self.callback.endpoint_of(user, status=status)):
            blame(f"{user} is not reported as {status}")
        found = self.callback.endpoint_of(user, status=status)
        assert found is not None
        return found

    def sees_gone(self, user: object) -> None:
        """Blames the target where a user is not reported as gone."""

        def gone() -> bool:
            found = self.callback.shown(user)
            return found is None or not found.endpoints

        if not self.until(gone):
            blame(f"{user} is still reported")

    # The run

    def check_alive(self) -> None:
        """Blames the target when it answers nothing any more."""
        self.new_conference()
        self.post(self.document(GetConference(conference_keys=ConferenceKeys(conf_entity=self.conference))))

    def names(self) -> dict[tuple[str, int], str]:
        """Who speaks at which address."""
        names = {(self.mcu.remote.host, self.mcu.remote.port): TARGET}
        names |= {(each.host, each.port): TARGET for each in self.callback.callers}
        names[self.callback.local.host, self.callback.local.port] = "focus"
        for phone in self.phones:
            names[phone.local.host, phone.local.port] = phone.name
            names |= {(call.arrival.source.host, call.arrival.source.port): TARGET for call in phone.calls}
        return names
