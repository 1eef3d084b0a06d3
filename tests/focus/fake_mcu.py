"""MCUs and an MCU Factory made of C3P documents: the test says what happens to their calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from c3p import (
    MCU_HTTP_URI,
    MCU_ID,
    MCU_SERVER_URI,
    AddConference,
    AddUser,
    Code,
    Command,
    ConferenceInfo,
    ConferenceView,
    ConnectionInfo,
    Endpoint,
    EntityState,
    EntityView,
    EntryExitAnnouncements,
    ExchangeFailure,
    GetConference,
    JoiningMethod,
    Media,
    ModifyConference,
    ModifyConferenceAnnouncements,
    ModifyConferenceLock,
    Notify,
    Reply,
    Request,
    Response,
    State,
    Status,
    User,
    Users,
    mcu_uri,
    parse_document,
)

if TYPE_CHECKING:
    from focus_site import Site

FACTORY_URL = "http://factory.example.com:444/LiveServer/MCUFactory"


class FakeMcu:
    """An A/V MCU made of C3P documents: the test says what happens to its calls."""

    def __init__(self, site: Site, mcu_id: str = "av1", mcu_type: str = "audio-video") -> None:
        self.site, self.mcu_id, self.mcu_type = site, mcu_id, mcu_type
        self.url = f"http://{mcu_id}.example.com:444/LiveServer/{mcu_type}"
        self.requests: list[Request] = []
        self.version = 0
        self.conference = ""
        self.users: dict[str, User] = {}
        self.state = EntityState(locked=False)
        self.dialled: dict[str, Request] = {}  #: user -> the addUser that had it called
        self.answers: dict[type[Command], Callable[[Request], Reply | ExchangeFailure | None]] = {}
        site.net.services[self.url] = self.receive

    @property
    def uri(self) -> str:
        """The MCU-Conference-URI."""
        return mcu_uri(self.conference, self.mcu_type)

    def commands(self, kind: type[Command]) -> list[Request]:
        """The requests of one kind that reached the MCU."""
        return [one for one in self.requests if isinstance(one.command, kind)]

    def receive(self, request: Request) -> Reply | ExchangeFailure | None:
        """Take a request of the Focus."""
        self.requests.append(request)
        scripted = self.answers.get(type(request.command))
        if scripted is not None:
            return scripted(request)
        if isinstance(request.command, AddConference):
            assert request.command.conference_info is not None
            self.conference = request.command.conference_info.entity
            self.take(request.command.conference_info)
            return Reply(200, request.respond(Code.SUCCESS, command=AddConference(conference_info=self.document())))
        if isinstance(request.command, GetConference):
            return Reply(200, request.respond(Code.SUCCESS, command=GetConference(conference_info=self.document())))
        self.carry_out(request.command)
        if isinstance(request.command, AddUser):
            self.dialled[request.command.user.entity] = request
            return Reply(200, request.respond(Code.PENDING))
        return Reply(200, request.respond(Code.SUCCESS))

    def take(self, info: ConferenceInfo) -> None:
        """Have the settings that a document names."""
        for view in info.conference_view.views if info.conference_view is not None else ():
            named = view.entity_state
            if named is not None and named.locked is not None:
                self.state = attrs.evolve(self.state, locked=named.locked)
            if named is not None and named.media_filters_rules is not None:
                self.state = attrs.evolve(self.state, media_filters_rules=named.media_filters_rules)
            if named is not None and named.entry_exit_announcements is not None:
                self.state = attrs.evolve(self.state, entry_exit_announcements=named.entry_exit_announcements)

    def carry_out(self, command: Command) -> None:
        """Have what a command about the conference wants."""
        if isinstance(command, ModifyConferenceLock):
            self.state = attrs.evolve(self.state, locked=command.locked)
        elif isinstance(command, ModifyConferenceAnnouncements):
            self.state = attrs.evolve(
                self.state, entry_exit_announcements=EntryExitAnnouncements(enabled=command.enabled)
            )
        elif isinstance(command, ModifyConference):
            assert command.conference_info is not None
            self.take(command.conference_info)

    def document(self, state: State = State.FULL, users: tuple[User, ...] | None = None) -> ConferenceInfo:
        """This MCU's part, or a change of it."""
        listed = tuple(self.users.values()) if users is None else users
        view = EntityView(entity=self.uri, state=State.FULL, entity_state=self.state)
        return ConferenceInfo(
            entity=self.conference,
            state=state,
            version=self.version,
            users=Users(state=state, users=listed),
            conference_view=ConferenceView(state=state, views=(view,)) if state is State.FULL else None,
        )

    def notify(self, *users: User, peer: str | None = None, skip: int = 0) -> Reply:
        """Report changed users to the Focus."""
        self.version += 1 + skip
        info = self.document(State.PARTIAL, users)
        return self.post(
            Notify(notification_id=self.version, from_=self.uri, to=self.conference, conference_info=info), peer
        )

    def post(self, document: Notify | Response, peer: str | None = None) -> Reply:
        """Post something to the callback URL of the Focus."""
        parsed = parse_document(bytes(document))
        site = self.site
        reply = site.focus.receive_c3p(parsed, peer=peer or self.mcu_id, now=site.net.now)
        site.net.run()
        return reply

    def call(self, user: str, status: str, *, display: str | None = None, **fields: object) -> Reply:
        """Report the endpoint of a dialled user."""
        request = self.dialled[user]
        assert isinstance(request.command, AddUser)
        asked = request.command.user.endpoints[0]
        media = (Media(id="1", type="audio", label="main-audio", status="sendrecv"),) if status == "connected" else ()
        endpoint = Endpoint(
            entity=asked.entity,
            state=State.FULL,
            session_type=self.mcu_type,
            status=status,
            joining_method=JoiningMethod.DIALED_OUT,
            media=media,
        )
        whole = User(
            entity=user,
            state=State.FULL,
            display_text=display or request.command.user.display_text,
            endpoints=(attrs.evolve(endpoint, **fields),),
        )
        self.users[user] = whole
        return self.notify(whole)

    def hang_up(self, user: str) -> Reply:
        """Report that a user is gone."""
        self.users.pop(user)
        return self.notify(User(entity=user, state=State.DELETED))

    def result(
        self, user: str, code: Code = Code.SUCCESS, reason: str | None = None, specific: str | None = None
    ) -> Reply:
        """Post the final answer to the addUser of a user."""
        return self.post(self.dialled[user].respond(code, reason=reason, command_reason=specific))

    def answer_call(self, user: str) -> None:
        """The whole of a successful call."""
        self.call(user, Status.DIALING_OUT)
        self.call(user, Status.ALERTING)
        self.call(user, Status.CONNECTED)
        self.result(user)

    def boot(self, user: str) -> None:
        """What an MCU does with deleteUser: disconnected, then gone."""
        self.call(user, Status.DISCONNECTED, disconnection_method="booted")
        self.hang_up(user)


class FakeMcuFactory:
    """Hands out the MCUs that a test made, in order, skipping excluded ones."""

    def __init__(self, site: Site) -> None:
        self.mcus: list[FakeMcu] = []
        self.requests: list[Request] = []
        site.net.services[FACTORY_URL] = self.receive

    def receive(self, request: Request) -> Reply:
        """Answer an allocation."""
        self.requests.append(request)
        command = request.command
        assert isinstance(command, AddConference)
        free = [one for one in self.mcus if one.mcu_type == command.mcu_type and one.mcu_id not in command.exclude]
        if not free:
            return Reply(200, request.respond(Code.FAILURE, reason="serverBusy"))
        info = ConnectionInfo.of(
            {MCU_HTTP_URI: free[0].url, MCU_SERVER_URI: f"sip:{free[0].mcu_id}.example.com", MCU_ID: free[0].mcu_id}
        )
        answer = AddConference(conference_keys=command.conference_keys, connection_info=info)
        return Reply(200, request.respond(Code.SUCCESS, command=answer))
