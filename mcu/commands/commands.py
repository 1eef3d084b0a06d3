"""C3P commands of a Focus about one conference, checked again here and carried out (docs/commands.rst)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from c3p import (
    AddUser,
    Code,
    Command,
    DeleteUser,
    DisconnectionMethod,
    EntityState,
    Filter,
    GetConference,
    JoiningMethod,
    LobbyAccess,
    MediaStatus,
    ModifyConference,
    ModifyConferenceLock,
    ModifyEndpointMedia,
    ModifyUserRoles,
    Request,
    Role,
    SetLobbyAccess,
    are_known_filters,
    is_known_stream,
)
from mcu.commands.row import Answer, Row, may_control
from mcu.conference import Conference
from mcu.context import Context
from mcu.identity import guid, user_id
from mcu.leg import Disconnection, Leg
from mcu.legs.add_user import Participant
from mcu.legs.dial_in import DialIn
from mcu.legs.dial_out import DialOut
from mcu.legs.doors import Doors
from mcu.legs.termination import Termination, disconnection_of
from mcu.medium import Medium
from mcu.outcome import Ending
from mcu.policy import ROLES, Refusal, RefusalReason
from mcu.responses import pending

EJECT_SECONDS = 60  #: how long a requester may wait for legs that are being cancelled


class Commands:
    """Carries out commands for conferences that are here."""

    def __init__(
        self,
        context: Context,
        medium: Medium,
        termination: Termination,
        dial_out: DialOut,
        dial_in: DialIn,
        doors: Doors,
        more: Mapping[type[Command], Row],
    ) -> None:
        """``more``: rows of the commands that only this kind of MCU knows."""
        self._context, self._medium, self._termination = context, medium, termination
        self._dial_out, self._dial_in, self._doors = dial_out, dial_in, doors
        #: One more command is one more row, and the method that it names.
        self._rows: Final[Mapping[type[Command], Row]] = {
            AddUser: Row(_conference_keys, self._add_user),
            DeleteUser: Row(_user_keys, self._delete_user, of_presenters=True),
            ModifyEndpointMedia: Row(_media_keys, self._modify_media),
            SetLobbyAccess: Row(_conference_keys, self._set_lobby_access, of_presenters=True),
            ModifyConferenceLock: Row(_conference_keys, self._lock, of_presenters=True),
            ModifyConference: Row(_conference_info, self._modify_conference, of_presenters=True),
            ModifyUserRoles: Row(_user_keys, self._modify_roles, of_presenters=True),
            GetConference: Row(_conference_keys, self._get_conference),
            **more,
        }

    def conference_of(self, command: Command) -> str | None:
        """The Conference-URI that a command names; ``None`` for one that is not carried out here."""
        row = self._rows.get(type(command))
        return None if row is None else row.entity(command)

    def carry_out(self, conference: Conference, request: Request, *, now: float) -> Answer:
        """Do what ``request`` says; a ``Refusal`` when nothing was changed."""
        command = request.command
        if command.mcu_uri is not None and not conference.is_its_mcu(command.mcu_uri):
            return Refusal(RefusalReason.MCU_URI, "not an MCU of this conference")
        row = self._rows.get(type(command))
        if row is None:
            return Refusal(RefusalReason.NOT_SUPPORTED, "command is not known here")
        if row.of_presenters and not may_control(request):
            return Refusal(RefusalReason.UNAUTHORIZED, "for presenters only")
        return row.carry_out(conference, request, command, now)

    def abandon(self, conference: Conference, *, now: float) -> None:
        """The conference is over: nothing waits for it any more."""
        self._dial_out.abandon(conference, now=now)

    # Participants ----------------------------------------------------------------------------------------------------

    def _add_user(self, conference: Conference, request: Request, command: AddUser, now: float) -> Answer:
        participant = Participant.read(request, command, self._context.kind, lambda: guid(self._context.entropy))
        if isinstance(participant, Refusal):
            return participant
        held = self._dial_out.is_held(participant.endpoint, conference)
        if held or conference.leg_of(participant.endpoint) is not None:
            return Refusal(RefusalReason.DUPLICATE, "endpoint is in the conference already")
        config = self._context.config
        if len(self._context.legs) >= config.max_legs or len(conference.legs) >= config.max_conference_legs:
            return Refusal(RefusalReason.CAPACITY, "no room for another call")
        dial = self._dial_in.reserve if participant.joining_method == JoiningMethod.DIALED_IN else self._dial_out.add
        return dial(conference, request, participant, now=now)

    def _delete_user(self, conference: Conference, request: Request, command: DeleteUser, now: float) -> Answer:
        """Eject: answered when the roster change has been reported, so that nobody comes back for a moment."""
        user = user_id(command.user_keys.user_entity)
        legs = conference.legs_of(user)
        if not self._dial_out.abandon(conference, user, now=now) and not legs:
            return Refusal(RefusalReason.USER, "no such participant on this MCU")
        success = request.respond(Code.SUCCESS)
        conference.ejections.append((frozenset(leg.id for leg in legs), success))
        for leg in legs:
            self._termination.give_up(leg, _booted(leg, request.originator), now=now)
        self._context.respond_ejected(conference, now=now)
        return pending(request, seconds=EJECT_SECONDS)

    def _modify_roles(self, conference: Conference, request: Request, command: ModifyUserRoles, now: float) -> Answer:
        if len(command.roles) != 1 or command.roles[0] not in ROLES:
            return Refusal(RefusalReason.ROLE, "presenter or attendee")
        legs = conference.legs_of(user_id(command.user_keys.user_entity))
        if not legs:
            return Refusal(RefusalReason.USER, "no such participant on this MCU")
        for leg in legs:
            if leg.role != command.roles[0]:
                leg.role = command.roles[0]
                self._context.notify(conference, self._context.documents.roles(leg), now=now)
        return request.respond(Code.SUCCESS)

    def _set_lobby_access(
        self, conference: Conference, request: Request, command: SetLobbyAccess, now: float
    ) -> Answer:
        """Let callers in who are in front of the door, or send them away; who is in already is nobody's business."""
        if not command.user_entities or command.access not in (LobbyAccess.GRANTED, LobbyAccess.DENIED):
            return Refusal(RefusalReason.UNPARSEABLE, "users, and granted or denied, are needed")
        users = dict.fromkeys(user_id(entity) for entity in command.user_entities)
        waiting = [leg for user in users for leg in conference.legs_of(user) if leg.door is not None]
        if not waiting:
            return Refusal(RefusalReason.USER, "nobody of that name waits on this MCU")
        for leg in waiting:
            if command.access == LobbyAccess.GRANTED:
                self._doors.admit(leg, now=now)
            else:
                self._termination.give_up(leg, _booted(leg, request.originator), now=now)
        return request.respond(Code.SUCCESS)

    # Media -----------------------------------------------------------------------------------------------------------

    def _modify_media(
        self, conference: Conference, request: Request, command: ModifyEndpointMedia, now: float
    ) -> Answer:
        keys, wanted = command.media_keys, command.media
        leg = conference.leg_of(keys.endpoint_entity)
        if leg is None or leg.user_key != user_id(keys.user_entity):
            return Refusal(RefusalReason.ENDPOINT, "no such endpoint on this MCU")
        if keys.media_id != leg.media_id:
            return Refusal(RefusalReason.STREAM, "no such stream in this endpoint")
        if wanted is None or not is_known_stream(wanted):
            return Refusal(RefusalReason.UNPARSEABLE, "media is missing, or has a filter or status that is not known")
        ingress = _blocked(wanted.ingress_filter, leg.ingress_blocked)
        if wanted.ingress_filter is None and wanted.status is not None:
            ingress = wanted.status in (MediaStatus.RECVONLY, MediaStatus.INACTIVE)
        if ingress != leg.ingress_blocked and not self._may_filter(conference, request, leg, ingress):
            return Refusal(RefusalReason.UNAUTHORIZED, "may not change this filter")
        self._filter(leg, ingress, _blocked(wanted.egress_filter, leg.egress_blocked), now)
        answer = attrs.evolve(command.echo(), media=self._context.documents.stream(leg))
        return request.respond(Code.SUCCESS, command=answer)

    @staticmethod
    def _may_filter(conference: Conference, request: Request, leg: Leg, blocked: bool) -> bool:
        """Presenters may filter anybody, others themselves; to unblock oneself a rule may forbid."""
        role = request.originator_role or Role.ATTENDEE
        if role == Role.PRESENTER:
            return True
        if request.originator is None or user_id(request.originator) != leg.user_key:
            return False
        return blocked or conference.filters is None or conference.filters.may_modify(role)

    def _filter(self, leg: Leg, ingress: bool, egress: bool, now: float) -> None:
        if (ingress, egress) == (leg.ingress_blocked, leg.egress_blocked):
            return
        leg.ingress_blocked, leg.egress_blocked = ingress, egress
        self._medium.apply_filters(leg)
        self._context.notify(leg.conference, self._context.documents.media(leg), now=now)

    # Settings --------------------------------------------------------------------------------------------------------

    def _lock(self, conference: Conference, request: Request, command: ModifyConferenceLock, now: float) -> Answer:
        if command.locked is None:
            return Refusal(RefusalReason.UNPARSEABLE, "locked is missing")
        if conference.locked != command.locked:
            conference.locked = command.locked
            self._context.notify(conference, self._context.documents.view_changed(conference), now=now)
        return request.respond(Code.SUCCESS)

    def _modify_conference(
        self, conference: Conference, request: Request, command: ModifyConference, now: float
    ) -> Answer:
        state = self._wanted_state(conference, command)
        if state is None:
            return Refusal(RefusalReason.UNPARSEABLE, "no entity-state of this MCU")
        if state.media_filters_rules is None and state.locked is None:
            return Refusal(RefusalReason.NOT_SUPPORTED, "this part of the state cannot be changed here")
        if state.media_filters_rules is not None and not are_known_filters(state.media_filters_rules):
            return Refusal(RefusalReason.UNPARSEABLE, "filter that is not known")
        if state.locked is not None:
            conference.locked = state.locked
        if state.media_filters_rules is not None:
            conference.filters = state.media_filters_rules
        self._context.notify(conference, self._context.documents.view_changed(conference), now=now)
        if state.media_filters_rules is not None and state.media_filters_rules.initial_filters:
            self._filter_everybody(conference, now)
        return request.respond(Code.SUCCESS)

    def _get_conference(self, conference: Conference, request: Request, command: GetConference, now: float) -> Answer:
        version = conference.focus_link.snapshot()
        info = self._context.documents.full(conference, version)
        return request.respond(
            Code.SUCCESS, command=attrs.evolve(command.echo(), conference_info=info), version=version
        )

    @staticmethod
    def _wanted_state(conference: Conference, command: ModifyConference) -> EntityState | None:
        info = command.conference_info
        views = info.conference_view.views if info is not None and info.conference_view is not None else ()
        return next((view.entity_state for view in views if conference.is_its_mcu(view.entity)), None)

    def _filter_everybody(self, conference: Conference, now: float) -> None:
        """Mute-all, or its end, for those that are here: attendees, and presenters only when named."""
        for leg in tuple(conference.legs.values()):
            rule = conference.rule_of(leg.role)
            if rule is not None:
                ingress = _blocked(rule.ingress_filter, leg.ingress_blocked)
                self._filter(leg, ingress, _blocked(rule.egress_filter, leg.egress_blocked), now)


def _blocked(wanted: str | None, now: bool) -> bool:
    return now if wanted is None else wanted == Filter.BLOCK


def _booted(leg: Leg, by: str | None) -> Disconnection:
    """Ejected: an attempt is cancelled by it, a call that was up just ends."""
    if leg.connected:
        return Disconnection(method=DisconnectionMethod.BOOTED, by=by)
    return disconnection_of(Ending.CANCELLED, by=by)


def _conference_keys(command: AddUser | GetConference | ModifyConferenceLock | SetLobbyAccess) -> str | None:
    return command.conference_keys.conf_entity if command.conference_keys is not None else None


def _user_keys(command: DeleteUser | ModifyUserRoles) -> str | None:
    return command.user_keys.conf_entity


def _media_keys(command: ModifyEndpointMedia) -> str | None:
    return command.media_keys.conf_entity


def _conference_info(command: ModifyConference) -> str | None:
    return command.conference_info.entity if command.conference_info is not None else None
