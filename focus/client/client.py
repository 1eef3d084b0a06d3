"""A conferencing client: creates, joins, commands and follows one conference at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from c3p import (
    CCCP_TYPE,
    CONFERENCE_INFO_TYPE,
    AddUser,
    Code,
    Command,
    ConferenceInfo,
    Response,
    Role,
    parse_join_link,
)
from focus.client.chat import SHOWN, Chat
from focus.client.conferencing import ConferenceCommands
from focus.client.config import ClientConfig
from focus.client.events import (
    CommandId,
    InvitationId,
    Joined,
    JoinFailed,
    LeaveCause,
    Left,
    RosterChanged,
    SubscriptionLost,
)
from focus.client.guest import Passcode
from focus.client.invitations import INVITATION_TYPES, Invitations, is_for
from focus.client.joining import Joining
from focus.client.outgoing import Outgoing, diagnostics_in, response_in
from focus.client.rejoining import Rejoining
from focus.client.state import CLIENT, NOT_IN, ClientInput, ClientState, why_not
from focus.client.watch import Watch
from focus.errors import LocalProtocolError
from sip import (
    Claim,
    EndCause,
    Endpoint,
    Entropy,
    Event,
    InviteReceived,
    Life,
    NotifyReceived,
    ReinviteReceived,
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
    SubscriptionFlowLost,
    UpdateReceived,
    first_due,
)
from sip import Response as SipResponse

_METHODS: Final = ("INVITE", "ACK", "BYE", "CANCEL", "INFO", "UPDATE", "MESSAGE", "NOTIFY", "BENOTIFY")


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
        self.untaken: list[Event] = []  #: what `take_events` gives; always the same list
        self._outgoing = Outgoing(endpoint, config)
        self._watch = Watch(endpoint, config)
        self._joining = Joining(endpoint, config, self._outgoing, entropy)
        self._rejoining = Rejoining(config, entropy.child("rejoin"))
        self._chat = Chat(endpoint, config, self._outgoing)
        self._invitations = Invitations(endpoint, config, self._outgoing)
        self._passcode = Passcode(endpoint, config.aor)
        own = self._rejoining, self._watch, self._chat
        self.deadlines = (*self._outgoing.deadlines, *own, self._invitations.deadlines)
        self._session: SessionId | None = None
        self._proof: RequestId | None = None  # the UPDATE that shows the Focus that we are still there
        self._join: CommandId | None = None
        self._over = False
        self._role: str | None = None
        endpoint.add_core(
            config.owner,
            lambda request, flow: is_for(request, config.aor),
            claim=Claim.ELEMENT,
            methods=_METHODS,
            supported=("timer", "ms-benotify", "ms-piggyback-first-notify", "com.microsoft.autoextend"),
            media_types=(CCCP_TYPE, CONFERENCE_INFO_TYPE, *INVITATION_TYPES, *SHOWN),
        )

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
        return self._joining.uri if self.state is not ClientState.OUT else None

    @property
    def roster(self) -> ConferenceInfo | None:
        """The conference as the subscription shows it, None before the first document."""
        return self._watch.roster

    @property
    def role(self) -> str | None:
        """The client's role as it was granted at the join."""
        return self._role

    # Joining and leaving ---------------------------------------------------------------------------------------------

    def join(self, conference: str, *, role: str = Role.ATTENDEE, passcode: str | None = None, now: float) -> CommandId:
        """Join a conference, given by URI or link; ends in Joined or JoinFailed. Raises C3PError for another URI.

        With a `passcode` as a guest, whose `ClientConfig.aor` names nobody (`guest_aor`). It is proved, not sent.
        """
        uri = parse_join_link(conference)
        self._passcode.check(passcode)
        self._process(ClientInput.JOIN)
        self._passcode.use(uri, passcode)
        self._over = False
        self._join = self._outgoing.new_command()
        self._joining.begin(uri, role)
        self._session = self._joining.invite(now=now)
        return self._join

    def subscribe(self, *, now: float) -> None:
        """Have Subscribed and RosterChanged, or SubscriptionLost; raises LocalProtocolError when it follows already."""
        self._joined()
        if self._watch.active:
            raise LocalProtocolError("already subscribed")
        self._watch.start(self._joining.uri, now=now)

    def unsubscribe(self, *, now: float) -> None:
        """Stop following the conference, but stay; SubscriptionLost follows. Nothing happens without a subscription."""
        self._watch.stop(now=now)

    def leave(self, *, now: float) -> None:
        """Leave, or give a join up: Left or JoinFailed follows."""
        joining = self.state in (ClientState.JOINING, ClientState.REJOINING)
        self._process(ClientInput.LEAVE)
        if self._session is None:  # between two tries to join again
            self._over_for_us(LeaveCause.LEFT, now=now)
        elif joining:
            self._endpoint.cancel(self._session, now=now)
        else:
            self._watch.stop(now=now)
            self.untaken += self._chat.close(now=now)
            self._endpoint.bye(self._session, now=now)

    def accept_invitation(self, invitation: InvitationId, *, role: str = Role.ATTENDEE, now: float) -> CommandId:
        """Come to the conference of `ConferenceInvited`: answer, and `join`. Raises what `join` raises.

        Raises LocalProtocolError, and nothing is answered, when the invitation is not open.
        """
        conference = self._invitations.conference_of(invitation)
        command = self.join(conference, role=role, now=now)
        self._invitations.accept(invitation, now=now)
        return command

    # Machine ---------------------------------------------------------------------------------------------------------

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        """Act on an event of the endpoint."""
        if self._chat.owns(event):
            self.untaken += self._chat.handle(event, now=now)
        elif isinstance(event, InviteReceived):
            self.untaken += self._invitations.received(event, now=now)
        elif self._invitations.owns(event):
            self.untaken += self._invitations.handle(event, now=now)
        elif (handler := _HANDLERS.get(type(event))) is not None:
            handler(self, event, now)
        return self.take_events()

    def take_events(self) -> list[Event]:
        """Events for the application."""
        taken, self.untaken[:] = self.untaken[:], []
        return taken

    def next_timeout(self) -> float | None:
        """When a command times out, or the conference is joined again."""
        return first_due(*(each.first for each in self.deadlines))

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Fail the commands that were not answered in time, and join again when that is due."""
        self.untaken += [*self._outgoing.handle_timeout(now=now), *self._chat.handle_timeout(now=now)]
        self._invitations.handle_timeout(now=now)
        self._watch.handle_timeout(now=now)
        if self._rejoining.is_due(now):
            self._process(ClientInput.TRY)
            self._session = self._joining.invite(now=now)
        return self.take_events()

    # Inside ----------------------------------------------------------------------------------------------------------

    def _joined(self) -> str:
        if self.state is not ClientState.JOINED:
            raise LocalProtocolError(f"not in a conference: {NOT_IN[self.state]}")
        return self._joining.uri

    def _process(self, event: ClientInput) -> None:
        if not self._life.follow(event):
            raise LocalProtocolError(why_not(event, self.state))

    @property
    def _wall_clock(self) -> float:
        return self._endpoint.wall_clock

    def _service(self, command: Command, *, now: float) -> CommandId:
        return self._outgoing.service(command, now=now)

    def _info(self, command: Command, *, now: float) -> CommandId:
        assert self._session is not None
        return self._outgoing.info(self._session, self._joining.uri, command, now=now)

    def _answered(self, event: SessionAnswered, now: float) -> None:
        if self.state is ClientState.LEAVING:
            return  # its BYE is out
        response = response_in(event.response)
        command = response.command if response is not None else None
        if response is None or response.code is not Code.SUCCESS:
            self._join_failed(event.response.status, event.response, response, now=now)
            self._endpoint.bye(event.session, now=now)
            return
        self._process(ClientInput.ANSWERED)
        self._watch.joined_over(event.response)
        self._role = next(iter(command.user.roles), None) if isinstance(command, AddUser) else None
        uri, role, join = self._joining.uri, self._role, self._join
        if join is not None:
            self._join = None
            self.untaken.append(Joined(owner=self.owner, command=join, conference_uri=uri, role=role))
            return
        self.untaken.append(self._rejoining.succeeded(uri, role))
        if self._watch.suspended:
            self._watch.start(uri, now=now)
        else:
            self.untaken += self._outgoing.learn(None)

    def _failed(self, event: SessionFailed, now: float) -> None:
        self._join_failed(event.status, event.response, response_in(event.response), now=now)

    def _join_failed(
        self, status: int | None, message: SipResponse | None, response: Response | None, *, now: float
    ) -> None:
        self._session = None
        if self._join is None:
            self._not_rejoined(status, message, now=now)
            return
        self._process(ClientInput.FAILED)
        self._passcode.forget()
        self.untaken.append(
            JoinFailed(
                owner=self.owner,
                command=self._join,
                conference_uri=self._joining.uri,
                status=status,
                response=response,
                diagnostics=diagnostics_in(message),
                phrase=message.reason if message is not None else None,
            )
        )
        self._join = None

    def _not_rejoined(self, status: int | None, message: SipResponse | None, *, now: float) -> None:
        if self.state is ClientState.LEAVING:
            self._process(ClientInput.FAILED)
            self._over_for_us(LeaveCause.LEFT, now=now)
        elif self._rejoining.refused(status, message, now=now):
            self._process(ClientInput.PUT_OFF)
            self.untaken.append(self._rejoining.announced(self._joining.uri))
        else:
            self._process(ClientInput.GIVEN_UP)
            self._over_for_us(LeaveCause.LOST, status, now=now)

    def _over_for_us(self, cause: LeaveCause, status: int | None = None, *, now: float) -> None:
        """The one end of a stay."""
        self._passcode.forget()
        self._rejoining.stop()
        self.untaken += self._chat.close(cause, now=now)
        self.untaken += self._watch.close(now=now)
        self.untaken += self._outgoing.dialog_ended()
        self.untaken.append(Left(owner=self.owner, conference_uri=self._joining.uri, cause=cause, status=status))

    def _ended(self, event: SessionEnded, now: float) -> None:
        if event.session != self._session:
            return
        self._session = None
        if self._join is not None:  # it was given up when the answer was on its way
            self._join_failed(None, None, None, now=now)
            return
        dismissed = event.cause is EndCause.BYE_RECEIVED
        lost = self.state is ClientState.JOINED and not dismissed and not self._over
        if lost and self._rejoining.begin(now=now):
            self._process(ClientInput.LOST)
            self._watch.suspend(now=now)
            self._proof = None
            self._outgoing.dialog_lost()
            self.untaken.append(self._rejoining.announced(self._joining.uri))
            return
        left_by_us = self.state is ClientState.LEAVING
        self._process(ClientInput.ENDED)
        if left_by_us:
            cause = LeaveCause.LEFT
        elif self._over:
            cause = LeaveCause.CONFERENCE_ENDED
        else:
            cause = LeaveCause.DISMISSED if dismissed else LeaveCause.LOST
        self._over_for_us(cause, now=now)

    def _flow_lost(self, event: SessionFlowLost, now: float) -> None:
        """The connection broke: show the Focus that we are still there, before it gives us up."""
        if event.session == self._session:
            self._prove(now)

    def _prove(self, now: float) -> None:
        if self._session is not None and self.state is ClientState.JOINED:
            self._proof = self._outgoing.prove(self._session, now=now)

    def _unchanged(self, event: ReinviteReceived | UpdateReceived, now: float) -> None:
        # There is nothing to negotiate in a Focus dialog; a refresh is welcome.
        self._endpoint.respond(event.transaction, 200, now=now)

    def _carrier_answered(self, event: ResponseReceived, now: float) -> None:
        if event.request_id != self._proof:
            self.untaken += self._outgoing.answered(event, now=now)
            return
        self._proof = None
        if self._watch.suspended and self.state is ClientState.JOINED:
            self._watch.start(self._joining.uri, now=now)

    def _carrier_failed(self, event: RequestFailed, now: float) -> None:
        if event.request_id == self._proof and self._session is not None:
            # Nobody is there any more: the dialog is lost, and the application hears of it now, not at its next wish.
            self._endpoint.bye(self._session, now=now)
        elif self._watch.active and self._outgoing.doubt(event):
            self._watch.reconnect(now=now)  # for the whole state, which shows what came of the command
        else:
            self.untaken += self._outgoing.unanswered(event)

    def _watched(self, event: Event, now: float) -> None:
        events, over = self._watch.handle(event, now=now)
        if events and self._watch.is_sent_away(event, now=now):
            self._prove(now)
        if self._proof is not None and any(isinstance(one, SubscriptionLost) for one in events):
            self._watch.suspended, events = True, []  # the dialog may be dead too, and begun anew
        self.untaken += events
        self._over = self._over or over
        if (roster := self.roster) is not None and any(isinstance(one, RosterChanged) for one in events):
            self.untaken += self._outgoing.learn(roster)
            self._chat.look(roster, now=now)


_HANDLERS: Final[Mapping[type[Event], Callable[[Client, Any, float], None]]] = {
    SessionAnswered: Client._answered,
    SessionFailed: Client._failed,
    SessionRedirected: lambda client, event, now: client._joining.redirected(event, now=now),
    SessionEnded: Client._ended,
    SessionFlowLost: Client._flow_lost,
    RequestReceived: lambda client, event, now: client.untaken.extend(client._outgoing.requested(event, now=now)),
    ReinviteReceived: Client._unchanged,
    UpdateReceived: Client._unchanged,
    ResponseReceived: Client._carrier_answered,
    RequestFailed: Client._carrier_failed,
    NotifyReceived: Client._watched,
    SubscriptionAccepted: Client._watched,
    SubscriptionEnded: Client._watched,
    SubscriptionFailed: Client._watched,
    SubscriptionFlowLost: Client._watched,
}
