"""A conferencing client: creates, joins, commands and follows one conference at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from c3p import (
    CCCP_TYPE,
    CONFERENCE_INFO_TYPE,
    AddUser,
    AdmissionPolicy,
    C3PError,
    Code,
    Command,
    ConferenceInfo,
    ConferenceKeys,
    DeleteConference,
    GetConferencingCapabilities,
    McuType,
    Response,
    Role,
    parse_document,
    parse_join_link,
)
from focus.client import documents
from focus.client.conferencing import ConferenceCommands
from focus.client.config import ClientConfig
from focus.client.events import CommandId, Joined, JoinFailed, LeaveCause, Left
from focus.client.guest import Passcode
from focus.client.outgoing import Outgoing, diagnostics_in, response_in
from focus.client.state import CLIENT, ClientInput, ClientState
from focus.client.watch import Watch
from focus.errors import LocalProtocolError
from sip import (
    Claim,
    EndCause,
    Endpoint,
    Entropy,
    Event,
    Flow,
    Life,
    NameAddr,
    NotifyReceived,
    ReinviteReceived,
    Request,
    RequestFailed,
    RequestId,
    RequestReceived,
    ResponseReceived,
    SessionAnswered,
    SessionEnded,
    SessionFailed,
    SessionFlowLost,
    SessionId,
    SessionRedirected,
    SubscriptionAccepted,
    SubscriptionEnded,
    SubscriptionFailed,
    UpdateReceived,
    body_of,
    refusal_of_body,
)
from sip import Response as SipResponse

_METHODS: Final = ("INVITE", "ACK", "BYE", "CANCEL", "INFO", "UPDATE", "NOTIFY", "BENOTIFY")

#: Redirections followed for one join: two servers that point at each other must not keep a client busy.
_MAX_REDIRECTS: Final = 5


class Client(ConferenceCommands):
    """One user's client, a core of `endpoint`.

    Commands return their number at once and end in exactly one event that carries it: CommandSucceeded,
    CommandFailed, ConferenceCreated, CapabilitiesReceived, Joined or JoinFailed. Those that need a conference raise
    LocalProtocolError outside of one. After every call, commands included, drain the endpoint and ``take_events()``,
    and read ``next_timeout()`` again; a `sip.Pump` does that.
    """

    def __init__(self, endpoint: Endpoint, config: ClientConfig, *, entropy: Entropy) -> None:
        self.config = config
        self._endpoint = endpoint
        self._entropy = entropy
        self._life = Life(CLIENT, ClientState.OUT, of="a client")
        self._events: list[Event] = []
        self._outgoing = Outgoing(endpoint, config)
        self._watch = Watch(endpoint, config)
        self._passcode = Passcode(endpoint, config.aor)
        self._session: SessionId | None = None
        self._proof: RequestId | None = None  # the UPDATE that shows the Focus that we are still there
        self._conference_uri = ""
        self._join: CommandId | None = None
        self._redirects, self._over = 0, False
        self._role: str | None = None
        endpoint.add_core(
            config.owner,
            self._is_asked,
            claim=Claim.ELEMENT,
            methods=_METHODS,
            supported=("timer", "ms-benotify", "ms-piggyback-first-notify", "com.microsoft.autoextend"),
            media_types=(CCCP_TYPE, CONFERENCE_INFO_TYPE),
        )

    def _is_asked(self, request: Request, flow: Flow) -> bool:
        """Whether a request outside of dialogs is for this client: OPTIONS to its user, wherever that is."""
        uri = request.uri
        own = self.config.aor.partition("@")[0].rpartition(":")[2]
        return request.method == "OPTIONS" and uri.opaque is None and (uri.user or "").lower() == own.lower()

    # What there is to know -------------------------------------------------------------------------------------------

    @property
    def owner(self) -> str:
        """Name of this core at the endpoint."""
        return self.config.owner

    @property
    def state(self) -> ClientState:
        """Where the client stands."""
        return self._life.state

    @property
    def conference_uri(self) -> str | None:
        """The conference that the client is in, or on its way into."""
        return self._conference_uri if self.state is not ClientState.OUT else None

    @property
    def roster(self) -> ConferenceInfo | None:
        """The conference as the subscription shows it, None before the first document."""
        return self._watch.roster

    @property
    def role(self) -> str | None:
        """The client's role as it was granted at the join."""
        return self._role

    # The Focus Factory -----------------------------------------------------------------------------------------------

    def get_capabilities(self, *, now: float) -> CommandId:
        """Ask the Focus Factory what it offers; ends in CapabilitiesReceived."""
        return self._service(GetConferencingCapabilities(), now=now)

    def create_conference(
        self,
        *,
        conference_id: str | None = None,
        subject: str | None = None,
        mcu_types: Sequence[str] = (McuType.AUDIO_VIDEO,),
        admission_policy: str = AdmissionPolicy.OPEN_AUTHENTICATED,
        presenters: Sequence[str] = (),
        lobby: bool = False,
        passcode: str | None = None,
        now: float,
    ) -> CommandId:
        """Create a record; ends in ConferenceCreated. `lobby`: others can wait; `passcode`: what guests must know."""
        command = documents.add_conference(
            conference_id=conference_id if conference_id is not None else self._entropy.token(16).upper(),
            subject=subject,
            mcu_types=mcu_types,
            admission_policy=admission_policy,
            expires_at=self._endpoint.wall_clock + now + self.config.record_lifetime,
            presenters=presenters,
            lobby=lobby,
            passcode=passcode,
        )
        return self._service(command, now=now)

    def delete_record(self, conference_id: str, *, now: float) -> CommandId:
        """Remove a record of one's own from the Focus Factory."""
        return self._service(DeleteConference(conference_keys=ConferenceKeys(conference_id=conference_id)), now=now)

    # Joining and leaving ---------------------------------------------------------------------------------------------

    def join(self, conference: str, *, role: str = Role.ATTENDEE, passcode: str | None = None, now: float) -> CommandId:
        """Join a conference, given by URI or link; ends in Joined or JoinFailed. Raises C3PError for another URI.

        With a `passcode` as a guest, whose `ClientConfig.aor` names nobody (`guest_aor`). It is proved, not sent.
        """
        uri = parse_join_link(conference)
        self._passcode.check(passcode)
        self._process(ClientInput.JOIN)
        self._passcode.use(uri, passcode)
        command = documents.join(
            uri,
            user=self.config.aor,
            display_name=self.config.display_name,
            role=role,
            endpoint=documents.guid(self._entropy.token(16)),
            lobby_capable=self.config.lobby_capable,
        )
        self._conference_uri, self._over, self._redirects = uri, False, 0
        self._join = self._outgoing.new_command()
        self._session = self._endpoint.invite(
            self.owner,
            uri,
            from_=self._me(),
            to=NameAddr(uri),
            body=bytes(self._outgoing.document(uri, command)),
            content_type=CCCP_TYPE,
            route=self._route(),
            session_expires=self.config.session_expires,
            now=now,
        )
        return self._join

    def subscribe(self, *, now: float) -> None:
        """Have Subscribed and RosterChanged, or SubscriptionLost; raises LocalProtocolError when it follows already."""
        self._joined()
        if self._watch.active:
            raise LocalProtocolError("already subscribed")
        self._watch.start(self._conference_uri, me=self._me(), route=self._route(), now=now)

    def unsubscribe(self, *, now: float) -> None:
        """Stop following the conference, but stay; SubscriptionLost follows. Nothing happens without a subscription."""
        self._watch.stop(now=now)

    def leave(self, *, now: float) -> None:
        """Leave, or give a join up: Left or JoinFailed follows."""
        joining = self.state is ClientState.JOINING
        self._process(ClientInput.LEAVE)
        assert self._session is not None
        if joining:
            self._endpoint.cancel(self._session, now=now)
        else:
            self._watch.stop(now=now)
            self._endpoint.bye(self._session, now=now)

    # Machine ---------------------------------------------------------------------------------------------------------

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        """Act on an event of the endpoint."""
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event, now)
        return self.take_events()

    def take_events(self) -> list[Event]:
        """Events for the application."""
        events, self._events = self._events, []
        return events

    def next_timeout(self) -> float | None:
        """When a command times out."""
        return self._outgoing.next_timeout()

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Fail the commands that were not answered in time."""
        self._events += self._outgoing.handle_timeout(now=now)
        return self.take_events()

    # Inside ----------------------------------------------------------------------------------------------------------

    def _me(self) -> NameAddr:
        params = {"epid": self.config.epid} if self.config.epid is not None else {}
        return NameAddr(self.config.aor, self.config.display_name, params)

    def _route(self) -> tuple[NameAddr, ...]:
        proxy = self.config.outbound_proxy
        return (NameAddr(proxy.with_params(lr=None)),) if proxy is not None else ()

    def _joined(self) -> str:
        if self.state is not ClientState.JOINED:
            raise LocalProtocolError(f"not in a conference: {self.state.value}")
        return self._conference_uri

    def _process(self, event: ClientInput) -> None:
        if not self._life.follow(event):
            raise LocalProtocolError(f"{event.value} while {self.state.value}")

    def _service(self, command: Command, *, now: float) -> CommandId:
        return self._outgoing.service(command, me=self._me(), route=self._route(), now=now)

    def _info(self, command: Command, *, now: float) -> CommandId:
        assert self._session is not None
        return self._outgoing.info(self._session, self._conference_uri, command, now=now)

    def _answered(self, event: SessionAnswered, now: float) -> None:
        if self.state is ClientState.LEAVING:
            return  # its BYE is out
        response = response_in(event.response)
        command = response.command if response is not None else None
        if response is None or response.code is not Code.SUCCESS:
            self._join_failed(event.response.status, event.response, response)
            self._endpoint.bye(event.session, now=now)
            return
        self._process(ClientInput.ANSWERED)
        roles = command.user.roles if isinstance(command, AddUser) else ()
        self._role = roles[0] if roles else None
        assert self._join is not None
        self._events.append(
            Joined(owner=self.owner, command=self._join, conference_uri=self._conference_uri, role=self._role)
        )
        self._join = None

    def _failed(self, event: SessionFailed, now: float) -> None:
        self._join_failed(event.status, event.response, response_in(event.response))

    def _join_failed(self, status: int | None, message: SipResponse | None, response: Response | None) -> None:
        self._process(ClientInput.FAILED)
        self._passcode.forget()
        self._session = None
        assert self._join is not None
        self._events.append(
            JoinFailed(
                owner=self.owner,
                command=self._join,
                conference_uri=self._conference_uri,
                status=status,
                response=response,
                diagnostics=diagnostics_in(message),
            )
        )
        self._join = None

    def _redirected(self, event: SessionRedirected, now: float) -> None:
        self._redirects += 1
        if event.targets and self._redirects <= _MAX_REDIRECTS:
            self._endpoint.redirect(event.session, event.targets[0], now=now)
        else:
            self._endpoint.give_up(event.session, now=now)

    def _ended(self, event: SessionEnded, now: float) -> None:
        if event.session != self._session:
            return
        left_by_us = self.state is ClientState.LEAVING
        self._session = None
        if self._join is not None:  # it was given up when the answer was on its way
            self._join_failed(None, None, None)
            return
        self._process(ClientInput.ENDED)
        self._passcode.forget()
        self._events += self._watch.close(now=now)
        self._events += self._outgoing.dialog_ended()
        if left_by_us:
            cause = LeaveCause.LEFT
        elif self._over:
            cause = LeaveCause.CONFERENCE_ENDED
        else:
            cause = LeaveCause.DISMISSED if event.cause is EndCause.BYE_RECEIVED else LeaveCause.LOST
        self._events.append(Left(owner=self.owner, conference_uri=self._conference_uri, cause=cause))

    def _flow_lost(self, event: SessionFlowLost, now: float) -> None:
        """The connection broke: show the Focus that we are still there, before it gives us up."""
        if event.session == self._session and self.state is ClientState.JOINED:
            self._proof = self._outgoing.prove(event.session, now=now)
            self._watch.reconnect(now=now)

    def _requested(self, event: RequestReceived, now: float) -> None:
        assert event.transaction is not None  # None is for transparent cores
        refused = refusal_of_body(event.request, (CCCP_TYPE,))
        if refused is not None and "Content-Type" in event.request.headers:
            self._endpoint.respond(event.transaction, refused.status, headers=refused.headers, now=now)
            return
        try:
            document = parse_document(body_of(event.request, CCCP_TYPE))
        except C3PError:
            document = None
        if not isinstance(document, Response):
            self._endpoint.respond(event.transaction, 400, now=now)
            return
        self._endpoint.respond(event.transaction, 200, now=now)
        self._events += self._outgoing.received(document, now=now)

    def _unchanged(self, event: ReinviteReceived | UpdateReceived, now: float) -> None:
        # There is nothing to negotiate in a Focus dialog; a refresh is welcome.
        self._endpoint.respond(event.transaction, 200, now=now)

    def _carrier_answered(self, event: ResponseReceived, now: float) -> None:
        self._events += self._outgoing.answered(event, now=now)

    def _carrier_failed(self, event: RequestFailed, now: float) -> None:
        if event.request_id == self._proof and self._session is not None:
            # Nobody is there any more: the dialog is lost, and the application hears of it now, not at its next wish.
            self._endpoint.bye(self._session, now=now)
        else:
            self._events += self._outgoing.unanswered(event)

    def _watched(self, event: Event, now: float) -> None:
        events, over = self._watch.handle(event, now=now)
        self._events += events
        self._over = self._over or over


_HANDLERS: Final[Mapping[type[Event], Callable[[Client, Any, float], None]]] = {
    SessionAnswered: Client._answered,
    SessionFailed: Client._failed,
    SessionRedirected: Client._redirected,
    SessionEnded: Client._ended,
    SessionFlowLost: Client._flow_lost,
    RequestReceived: Client._requested,
    ReinviteReceived: Client._unchanged,
    UpdateReceived: Client._unchanged,
    ResponseReceived: Client._carrier_answered,
    RequestFailed: Client._carrier_failed,
    NotifyReceived: Client._watched,
    SubscriptionAccepted: Client._watched,
    SubscriptionEnded: Client._watched,
    SubscriptionFailed: Client._watched,
}
