"""What a case for a Focus has around it: a conference, people who join it, and phones to be called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import attrs

from c3p import (
    CCCP_TYPE,
    AddConference,
    AddUser,
    Command,
    ConferenceDescription,
    ConferenceInfo,
    ConferenceKeys,
    ConferenceView,
    DeleteConference,
    EntityView,
    GetConference,
    McuType,
    Request,
    mcu_uri,
    new_guid,
)
from pyc3p.conform.bench import Bench, BenchSettings, Facts
from pyc3p.conform.case import Trait, skip
from pyc3p.conform.conference.answers import Answered, document_in
from pyc3p.conform.conference.commands import dial_out
from pyc3p.conform.conference.member import Member
from pyc3p.conform.conference.target import FocusTarget
from pyc3p.conform.phone import Manner, Phone
from pyc3p.conform.wire import Pace
from sip import DigestClient, Entropy, Response, Uri, aor_key
from sip import Request as SipRequest

#: How the conferences of a run are called.
SUBJECT: Final = "A conference of a conformance test"
#: The letters of an id that every server takes (MS-CONFPRO: 8 to 32 alphanumerics).
_ID_LENGTH: Final = 16


@attrs.define(kw_only=True)
class Ground:
    """The conference of a run. Cases that leave nothing behind have the same one, so that few are made."""

    uri: str = ""
    id: str = ""
    spoilt: bool = False  #: whether the next case has another one
    made: list[str] = attrs.Factory(list)  #: ids of all that are to be deleted in the end


class FocusBench(Bench):
    """The surroundings of one case."""

    def __init__(
        self,
        target: FocusTarget,
        facts: Facts,
        settings: BenchSettings,
        *,
        entropy: Entropy,
        pace: Pace,
        digest: DigestClient | None,
        ground: Ground,
        digests: Mapping[str, DigestClient] | None = None,
    ) -> None:
        """``digests`` are those of further users, by the key of their address."""
        super().__init__(target.server, facts, settings, entropy=entropy, pace=pace, digest=digest)
        self.focus, self.ground = target, ground
        self._digests = digests or {}
        self.members: list[Member] = []
        self.phones: list[Phone] = []
        self.conference = str(target.conference) if target.conference is not None else ground.uri
        self.tidying: list[Callable[[], object]] = []  #: what is done after the case, before everybody leaves

    def credentials_for(self, response: Response, request: SipRequest) -> tuple[tuple[str, str], ...]:
        """Of the user who asks; everybody else has those of the organizer."""
        digest = self._digests.get(aor_key(request.from_.uri))
        return digest.answer(response, request) if digest is not None else super().credentials_for(response, request)

    def guid(self) -> str:
        """The name of an endpoint that nobody has."""
        return new_guid(self.entropy.token(16))

    # Conferences

    def conference_id(self) -> str:
        """One that nobody has used."""
        return self.entropy.token(_ID_LENGTH // 2).upper()

    def ask_factory(self, command: Command | Request | bytes, *, name: str = "organizer") -> Answered:
        """SERVICE to the Focus Factory of the organizer."""
        factory = self.focus.factory
        if factory is None:
            skip("there is no Focus Factory: one conference was named")
        aor = self.focus.organizer if name == "organizer" else self.focus.attendee
        document = command if isinstance(command, bytes | Request) else self.factory_request(command, aor=aor)
        peer = self.peer(name)
        request = peer.request(
            "SERVICE", factory, from_uri=aor, contact=True, body=bytes(document), content_type=CCCP_TYPE
        )
        exchange = peer.ask(request)
        found, problem = document_in(exchange.final)
        return Answered(
            request=document if isinstance(document, Request) else None,
            sip=exchange.final,
            responses=() if found is None else (found,),
            problem=problem,
        )

    def factory_request(self, command: Command, *, aor: Uri | None = None, request_id: str | None = None) -> Request:
        """A document for the Focus Factory."""
        return Request(
            request_id=request_id or str(self.entropy.integer(24)),
            from_=str(aor or self.focus.organizer),
            to=str(self.focus.factory),
            command=command,
        )

    def new_conference(self, conference_id: str, *, subject: str = SUBJECT) -> AddConference:
        """The command that makes one with audio."""
        views = (EntityView(entity=McuType.AUDIO_VIDEO, state="full"),)
        return AddConference(
            conference_info=ConferenceInfo(
                entity="",
                description=ConferenceDescription(
                    subject=subject, conference_id=conference_id, admission_policy="openAuthenticated"
                ),
                conference_view=ConferenceView(state="full", views=views),
            )
        )

    def made(self, conference_id: str, *, subject: str = SUBJECT) -> str:
        """A conference that was made; its URI. Ends the case where that is refused."""
        answered = self.ask_factory(self.new_conference(conference_id, subject=subject))
        command = answered.final.command if answered.final is not None else None
        if not answered.succeeded or not isinstance(command, AddConference) or command.conference_info is None:
            skip(f"addConference is answered {answered.told}")
        self.ground.made.append(conference_id)
        return command.conference_info.entity

    def fetched(self, conference_id: str) -> Answered:
        """getConference at the Focus Factory."""
        return self.ask_factory(GetConference(conference_keys=ConferenceKeys(conference_id=conference_id)))

    def deleted(self, conference_id: str) -> Answered:
        """deleteConference at the Focus Factory."""
        answered = self.ask_factory(DeleteConference(conference_keys=ConferenceKeys(conference_id=conference_id)))
        if answered.succeeded and conference_id in self.ground.made:
            self.ground.made.remove(conference_id)
        return answered

    def spoil(self) -> None:
        """The next case has another conference, where one can be made: this one may not be as it was."""
        self.ground.spoilt = True

    def stand(self) -> None:
        """Have a conference for this case."""
        if self.focus.conference is None and (self.ground.spoilt or not self.ground.uri):
            self.ground.id = self.conference_id()
            self.ground.uri = self.made(self.ground.id)
            self.ground.spoilt = False
        if not self.conference:
            self.conference = self.ground.uri

    # People and phones

    def member(self, name: str = "organizer", *, device: str = "") -> Member:
        """The organizer, or the attendee, who is in nothing yet; ``device`` is another one of the same user."""
        self.stand()
        aor = self.focus.organizer if name == "organizer" else self.focus.attendee
        member = Member(self, self.peer(name + (f"-{device}" if device else "")), aor)
        self.members.append(member)
        return member

    def joined(self, name: str = "organizer", *, device: str = "", follows: bool = False) -> Member:
        """Somebody who is in the conference."""
        member = self.member(name, device=device)
        member.join()
        if follows:
            member.follow()
        return member

    def phone(self, name: str, *, manner: Manner = Manner.TAKES, status: int = 486, sdp: bytes = b"") -> Phone:
        """A phone of ours, registered at the target where that takes it."""
        phone = Phone(self, name, manner=manner, status=status, sdp=sdp)
        self.phones.append(phone)
        if Trait.REGISTRAR in self.facts.traits:
            phone.register(self.target, self.target.aor(f"conform-{name}-{self.token()[:6]}"))
        return phone

    @property
    def audio(self) -> str:
        """The MCU-Conference-URI for audio and video."""
        return mcu_uri(self.conference, McuType.AUDIO_VIDEO)

    def dial(self, phone: Phone | str, *, endpoint: str | None = None) -> AddUser:
        """addUser that has a phone called."""
        address = phone if isinstance(phone, str) else str(phone.address)
        return dial_out(self.conference, address, endpoint=endpoint or self.guid())

    # The run

    def check_alive(self) -> None:
        """Blames the target when it answers nothing any more: OPTIONS, or a join where it knows no OPTIONS."""
        if Trait.ELEMENT in self.facts.traits:
            super().check_alive()
        else:
            self.stand()
            self._checks += 1
            self.joined(device=f"check-{self._checks}").leave()

    def names(self) -> dict[tuple[str, int], str]:
        """Who speaks at which address."""
        return super().names() | {(each.local.host, each.local.port): each.name for each in self.phones}
