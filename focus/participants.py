"""Who has a Focus dialog with a conference: joining, second devices, rejoining, loss of a connection, leaving."""

from __future__ import annotations

from operator import attrgetter
from typing import Final

import attrs

from c3p import (
    CCCP_TYPE,
    AddUser,
    ClientInfo,
    Code,
    ConferenceKeys,
    Endpoint,
    Response,
    SessionType,
    Status,
    User,
    guid_key,
)
from focus import refusal
from focus.answers import Remembered
from focus.contact import contact_of, record_route
from focus.context import Context
from focus.durable.unsaved import Unsaved
from focus.identity import is_authenticated
from focus.join import Join, if_legible
from focus.participant import Participant, absent_session
from focus.policy import Admission
from focus.policy import AdmissionVerdict as Admitted
from focus.refusal import Refused
from focus.roster import Roster
from sip import AddressOfRecord, Flow, InviteReceived, NameAddr, Request, SessionId, first_due

_LOST_UNTIL: Final = attrgetter("lost_until")
_ALLOW: Final = "INVITE, ACK, BYE, CANCEL, INFO, UPDATE, OPTIONS"


class Participants:
    """The Focus dialogs of one conference, and their endpoints in the roster."""

    def __init__(self, context: Context, roster: Roster) -> None:
        self._context = context
        self._roster = roster
        self._participants: dict[SessionId, Participant] = {}
        self._by_number: dict[int, Participant] = {}
        self._count = 0
        self.unsaved: Unsaved | None = None  #: what changed of them; None where nobody writes it

    def __len__(self) -> int:
        return len(self._participants)

    def get(self, session: SessionId | None) -> Participant | None:
        """The participant of a dialog, None when it is over."""
        return self._participants.get(session) if session is not None else None

    def all(self) -> list[Participant]:
        """Everybody, in the order of joining."""
        return list(self._participants.values())

    def of_user(self, user: str) -> list[Participant]:
        """The dialogs of one user (key)."""
        return [one for one in self._participants.values() if one.user.key == user]

    def is_let_in(self, address: AddressOfRecord, flow: Flow) -> bool:
        """Whether a user has a Focus endpoint that does not wait in the lobby; a guest, on the same connection."""
        user = self._roster.find(address)
        if not is_authenticated(address) and all(one.flow != flow for one in self.of_user(address.key)):
            return False
        return user is not None and bool(user.of_type(SessionType.FOCUS)) and not user.in_lobby

    # Joining ---------------------------------------------------------------------------------------------------------

    def check_capacity(self, join: Join) -> None:
        """Whether there is a place for this device. Raises Refused: 503, or 3009 for a GUID that is something else."""
        config = self._context.config
        user = self._roster.find(join.user)
        if user is None:
            if len(self._roster.users) >= config.max_users:
                raise Refused(refusal.BUSY, join.document)
            return
        present = user.endpoints.get(guid_key(join.endpoint.entity))
        if present is not None and present.session_type != SessionType.FOCUS:
            raise Refused(refusal.BAD_ENDPOINT.saying("That endpoint entity is in use"), join.document)
        if present is None and len(user.endpoints) >= config.max_endpoints_per_user:
            raise Refused(refusal.BUSY, join.document)

    def join(self, event: InviteReceived, join: Join, admission: Admission, *, now: float) -> Participant:
        """Accept a dialog and put its endpoint into the roster."""
        before = next((one for one in self.replaced_by(join) if one.absent), None)
        number = self._count + 1 if before is None else before.number
        participant = Participant(
            session=event.session,
            user=join.user,
            endpoint=join.endpoint.entity,
            number=number,
            flow=event.flow,
            host=event.flow.remote.host,
            remembered=self.new_memory(number) if before is None else before.remembered,
            open_commands=0 if before is None else before.open_commands,
        )
        self.add(participant)
        status = Status.ON_HOLD if admission.verdict is Admitted.LOBBY else Status.CONNECTED
        user = self._roster.set_endpoint(
            join.user,
            _focus_endpoint(event.request, join, status),
            role=admission.role,
            display_text=_name(event, join),
        )
        self._accept(event, join, user.role, now=now)
        return participant

    def add(self, participant: Participant) -> None:
        """Put one in; it has an endpoint in the roster, or gets one."""
        self._participants[participant.session] = self._by_number[participant.number] = participant
        self._count = max(self._count, participant.number)
        self._note(participant)

    def new_memory(self, number: int) -> Remembered:
        """The answers of a participant with that number, none yet."""
        return Remembered(self._context.config.remembered_answers, str(number), self.unsaved)

    def numbered(self, number: int) -> Participant | None:
        """The participant of a number, None when it is gone."""
        return self._by_number.get(number)

    def keep(self, unsaved: Unsaved) -> None:
        """Note what changes from now on."""
        self.unsaved = unsaved
        for participant in self._participants.values():
            participant.remembered.unsaved = unsaved

    def _note(self, participant: Participant) -> None:
        if self.unsaved is not None:
            self.unsaved["participant", str(participant.number)] = None

    def replaced_by(self, join: Join) -> list[Participant]:
        """Dialogs that a new one takes the place of: of the same device, or of a connection that is gone.

        Of the places that a restart has left empty it takes one: that of the same device, else the oldest, since some
        clients name their device anew for each dialog.
        """
        guid, own = guid_key(join.endpoint.entity), self.of_user(join.user.key)
        absent = [one for one in own if one.absent]
        place = next((one for one in absent if guid_key(one.endpoint) == guid), absent[0] if absent else None)
        return [
            one
            for one in own
            if one is place or (not one.absent and (guid_key(one.endpoint) == guid or one.lost_until is not None))
        ]

    def _accept(self, event: InviteReceived, join: Join, role: str, *, now: float) -> None:
        offered = event.request.session_expires is not None
        route = record_route(event.request, event.flow, self._context.endpoint)
        self._context.endpoint.accept(
            event.session,
            headers=(("Allow", _ALLOW), *route),
            body=bytes(_granted(join, role)),
            content_type=CCCP_TYPE,
            contact=contact_of(self._roster.focus_uri),
            session_expires=self._context.config.session_expires if offered else None,
            now=now,
        )

    # Leaving ---------------------------------------------------------------------------------------------------------

    def leave(self, session: SessionId) -> Participant | None:
        """Take a dialog that is over, or is being ended, out; None when that was done before."""
        participant = self._participants.pop(session, None)
        if participant is not None:
            self._note(participant)
            if self._by_number.get(participant.number) is participant:  # else somebody has taken its place
                del self._by_number[participant.number]
            guid = guid_key(participant.endpoint)
            # A device that joined again with the same GUID keeps its place in the roster.
            if not any(guid_key(one.endpoint) == guid for one in self.of_user(participant.user.key)):
                self._roster.remove_endpoint(participant.user, participant.endpoint)
        return participant

    def left_behind(self, session: SessionId, *, now: float) -> tuple[Participant, Participant] | None:
        """The client does not know a dialog that outlasted a restart, of which nothing was heard since.

        It has begun another one, or will: its place is kept for as long as if the dialog had not come back. Returns who
        was there, and who is absent there; None when the dialog was heard, or is not here.
        """
        participant = self._participants.get(session)
        if participant is None or participant.absent or participant.flow is not None:
            return None
        del self._participants[session]
        until = now + self._context.config.rejoin_grace
        absent = attrs.evolve(participant, session=absent_session(participant.number), lost_until=until)
        self.add(absent)
        return participant, absent

    def dismiss(self, participant: Participant, *, now: float) -> None:
        """End a dialog from our side."""
        if not participant.absent:
            self._context.endpoint.bye(participant.session, now=now)

    # Lobby -----------------------------------------------------------------------------------------------------------

    def let_in(self, address: AddressOfRecord) -> None:
        """All devices of a user leave the lobby."""
        user = self._roster.find(address)
        for endpoint in list(user.of_type(SessionType.FOCUS).values()) if user is not None else ():
            connected = attrs.evolve(endpoint, status=Status.CONNECTED)
            self._roster.set_endpoint(address, connected, role="")

    # Connections -----------------------------------------------------------------------------------------------------

    def flow_lost(self, session: SessionId, *, now: float) -> None:
        """The connection of a dialog is gone: the client has some time to come back (docs/design-decisions.rst)."""
        participant = self._participants.get(session)
        if participant is not None:  # pragma: no branch (nothing is reported of a session that is being ended)
            participant.lost_until = now + self._context.config.flow_loss_grace

    def seen(self, session: SessionId, flow: Flow | None = None) -> None:
        """A dialog is alive; ``flow`` is where that was heard."""
        participant = self._participants.get(session)
        if participant is not None:
            participant.lost_until = None
            participant.flow = participant.flow or flow

    def next_timeout(self) -> float | None:
        """When the next dialog without a connection is given up."""
        return first_due(*map(_LOST_UNTIL, self._participants.values()))

    def due(self, now: float) -> list[Participant]:
        """The dialogs to give up: those whose time is over and that have no connection again."""
        due = [one for one in self.all() if one.lost_until is not None and one.lost_until <= now]
        for participant in due:
            if self._is_connected(participant):
                participant.lost_until = None
        return [one for one in due if one.lost_until is not None]

    def _is_connected(self, participant: Participant) -> bool:
        # A request that changes nothing, such as an UPDATE without session timer, is answered by the endpoint alone.
        endpoint = self._context.endpoint
        return (
            not participant.absent
            and not endpoint.is_over(participant.session)
            and endpoint.session(participant.session).flow is not None
        )


def _name(event: InviteReceived, join: Join) -> str | None:
    return join.display_text or if_legible(event.request.from_.display_name)


def _focus_endpoint(request: Request, join: Join, status: Status) -> Endpoint:
    """A focus endpoint shows its status and what the client can do (RFC 4575 section 5.7)."""
    contact = next((one for one in request.contact if isinstance(one, NameAddr)), None)
    gruu = if_legible(str(contact.uri)) if contact is not None and contact.uri.opaque is not None else None
    return Endpoint(
        entity=join.endpoint.entity,
        session_type=SessionType.FOCUS,
        epid=if_legible(request.from_.params.get("epid")),
        endpoint_uri=gruu,
        status=status,
        session_on_behalf_of=join.endpoint.session_on_behalf_of,
        client_info=ClientInfo(lobby_capable=join.lobby_capable) if join.endpoint.client_info is not None else None,
    )


def _granted(join: Join, role: str) -> Response:
    """The answer to a join: the role granted, the endpoint only when it acts for somebody."""
    on_behalf = join.endpoint.session_on_behalf_of
    endpoints = (Endpoint(entity=join.endpoint.entity, session_on_behalf_of=on_behalf),) if on_behalf else ()
    command = join.document.command
    keys = command.conference_keys if isinstance(command, AddUser) else ConferenceKeys()
    user = User(entity=join.user.text, roles=(role,), endpoints=endpoints)
    return join.document.respond(Code.SUCCESS, command=AddUser(conference_keys=keys, user=user))
