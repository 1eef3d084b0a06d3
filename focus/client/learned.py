"""What the roster shows of a command whose answer got lost with the dialog, or was never heard."""

from __future__ import annotations

from c3p import (
    AddUser,
    Command,
    ConferenceInfo,
    DeleteUser,
    Endpoint,
    EntityState,
    Filter,
    ModifyConference,
    ModifyConferenceLock,
    ModifyEndpointMedia,
    ModifyUserRoles,
    Status,
    User,
    guid_key,
)
from sip import AddressOfRecord, ConferenceAddress

#: Of an endpoint that is on its way.
_UNDER_WAY = (Status.DIALING_OUT, Status.DIALING_IN, Status.ALERTING, Status.PENDING)


def shown_in(roster: ConferenceInfo, command: Command) -> bool | None:
    """Whether a command was carried out, as far as the roster shows it; None while it is under way."""
    if isinstance(command, AddUser):
        endpoint = _endpoint(roster, command.user.entity, command.endpoint.entity if command.endpoint else "")
        if endpoint is not None and endpoint.status in _UNDER_WAY:
            return None
        return endpoint is not None and endpoint.status not in (Status.DISCONNECTING, Status.DISCONNECTED)
    if isinstance(command, DeleteUser):
        return _shows_removal(roster, command)
    if isinstance(command, ModifyUserRoles):
        user = _user(roster, command.user_keys.user_entity)
        return user is not None and user.roles == command.roles
    if isinstance(command, ModifyConferenceLock):
        state = _state(roster, roster.entity)
        return state is not None and state.locked == command.locked
    if isinstance(command, ModifyEndpointMedia):
        return _shows_filter(roster, command)
    if isinstance(command, ModifyConference):
        state, wanted = _state(roster, command.mcu_uri or ""), _wanted(command)
        return state is not None and wanted is not None and state.media_filters_rules == wanted.media_filters_rules
    return False


def _shows_removal(roster: ConferenceInfo, command: DeleteUser) -> bool | None:
    user = _user(roster, command.user_keys.user_entity)
    if user is None:
        # A Focus that has forgotten everything shows nobody either, while the MCU still has the phone.
        return _knows_mcu(roster, command.mcu_uri)
    if command.mcu_uri is None and any(one.session_type == "focus" for one in user.endpoints):
        return False
    return None if any(one.status == Status.DISCONNECTING for one in user.endpoints) else False


def _knows_mcu(roster: ConferenceInfo, mcu_uri: str | None) -> bool:
    """Whether the roster has the part of an MCU, so that what is missing in it is missing there."""
    views = roster.conference_view.views if roster.conference_view is not None else ()
    conference = ConferenceAddress.read(roster.entity)
    if mcu_uri is not None:
        return any(ConferenceAddress.read(mcu_uri).is_named_by(view.entity) for view in views)
    return any(not conference.is_named_by(view.entity) for view in views)


def _shows_filter(roster: ConferenceInfo, command: ModifyEndpointMedia) -> bool:
    keys, wanted = command.media_keys, command.media
    endpoint = _endpoint(roster, keys.user_entity, keys.endpoint_entity)
    stream = next((one for one in endpoint.media if one.id == keys.media_id), None) if endpoint is not None else None
    if stream is None or wanted is None or wanted.ingress_filter is None:
        return False
    return (stream.ingress_filter == Filter.BLOCK) == (wanted.ingress_filter == Filter.BLOCK)


def _wanted(command: ModifyConference) -> EntityState | None:
    info = command.conference_info
    views = info.conference_view.views if info is not None and info.conference_view is not None else ()
    return next((one.entity_state for one in views if one.entity_state is not None), None)


def _state(roster: ConferenceInfo, entity: str) -> EntityState | None:
    view = roster.conference_view.view(entity) if roster.conference_view is not None else None
    return view.entity_state if view is not None else None


def _user(roster: ConferenceInfo, entity: str) -> User | None:
    wanted = AddressOfRecord.read(entity)
    users = roster.users.users if roster.users is not None else ()
    return next((one for one in users if wanted.is_named_by(one.entity)), None)


def _endpoint(roster: ConferenceInfo, user: str, endpoint: str) -> Endpoint | None:
    found = _user(roster, user)
    held = found.endpoints if found is not None else ()
    return next((one for one in held if guid_key(one.entity) == guid_key(endpoint)), None)
