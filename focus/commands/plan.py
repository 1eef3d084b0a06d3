"""What a command of a client means for a conference: pure functions that check it and say what is to be done.

Each raises `Refused` in the order of the checks of the C3P reference, section 7: conference, MCU, target, role.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from c3p import (
    AccessMethod,
    AddUser,
    AdmissionPolicy,
    AuthMethod,
    C3PError,
    Command,
    ConferenceInfo,
    DeleteConference,
    DeleteUser,
    Endpoint,
    Filter,
    GetConference,
    JoiningMethod,
    LobbyAccess,
    Media,
    MediaFiltersRules,
    MediaStatus,
    ModifyConference,
    ModifyConferenceAnnouncements,
    ModifyConferenceLock,
    ModifyEndpointMedia,
    ModifyUserRoles,
    Request,
    SessionType,
    SetLobbyAccess,
    focus_uri_of,
    mcu_type_of,
)
from c3p.stream_words import are_known_filters, is_known_stream
from focus import policy, refusal
from focus.commands.requests import Refused, check_endpoint, check_entity, role_in
from focus.identity import is_authenticated
from focus.policy import ATTENDEE, DIAL_OUT_TYPES, ConferencePolicy, Requester
from focus.records import ConferenceRecord
from focus.refusal import Refusal
from focus.roster import Roster
from sip import AddressOfRecord

_CALLABLE: Final = frozenset({"sip", "sips", "tel"})


@attrs.frozen(kw_only=True)
class Facts:
    """What the decision depends on."""

    record: ConferenceRecord
    roster: Roster  #: only read
    requester: Requester
    policy: ConferencePolicy
    locked: bool
    linked: frozenset[str]  #: MCU types that have, or are getting, an MCU
    dialling: Mapping[str, frozenset[str]]  #: keys of users who are being called, and the MCU types told of it


@attrs.frozen
class SetLock:
    """Lock or unlock the conference."""

    locked: bool
    admission_policy: str | None


@attrs.frozen
class SetRole:
    """Change what a user may do."""

    user: AddressOfRecord
    role: str


@attrs.frozen
class Eject:
    """End every Focus dialog of a user and forget commands that would call it."""

    user: AddressOfRecord


@attrs.frozen
class Lobby:
    """Let users in, or send them away."""

    users: tuple[AddressOfRecord, ...]
    granted: bool


@attrs.frozen
class DialOut:
    """A user that only an MCU will know gets this role in the roster."""

    user: AddressOfRecord
    role: str


@attrs.frozen
class EndConference:
    """The conference is over."""


@attrs.frozen
class Describe:
    """Answer with the whole conference."""


Effect = SetLock | SetRole | Eject | Lobby | DialOut | EndConference | Describe


@attrs.frozen(kw_only=True)
class Plan:
    """What is to be done: here, and on MCUs."""

    effect: Effect | None = None
    legs: tuple[tuple[str, Command], ...] = ()  #: (MCU type, command for that MCU)
    everywhere: bool = False  #: succeeds when the Focus accepted it, whatever MCUs say (join methods 8)
    later: bool = False  #: answered 202 first even when no MCU is concerned


def plan(document: Request, facts: Facts) -> Plan:
    """Check a command and say what it takes. Raises Refused."""
    planner = _PLANNERS.get(type(document.command))
    if planner is None:
        raise Refused(refusal.NOT_IMPLEMENTED, document)
    return planner(document.command, document, facts)


# Checks --------------------------------------------------------------------------------------------------------------


def _insist(denied: Refusal | None, document: Request) -> None:
    if denied is not None:
        raise Refused(denied, document)


def _mcu(command: Command, document: Request, facts: Facts) -> str:
    """The media type that mcuUri names: 404 / 3013 for another conference's, 603 for a type that is not enabled."""
    uri = command.mcu_uri or ""
    mcu_type = mcu_type_of(uri)
    try:
        own = facts.roster.address.is_named_by(focus_uri_of(uri))
    except C3PError:
        own = False
    if not own:
        raise Refused(refusal.INVALID_MCU, document)
    if mcu_type is None:
        raise Refused(refusal.NOT_FOR_AN_MCU, document)
    if mcu_type not in facts.record.mcu_types:
        raise Refused(refusal.MCU_NOT_ENABLED, document)
    return mcu_type


def _no_mcu(command: Command, document: Request) -> None:
    if command.mcu_uri is not None:
        raise Refused(refusal.NOT_FOR_AN_MCU, document)


def _is_callable(address: AddressOfRecord) -> bool:
    uri = address.uri
    return uri is not None and uri.scheme in _CALLABLE and bool(uri.host or uri.opaque_part)


def _existing(user: AddressOfRecord, document: Request, facts: Facts) -> None:
    if facts.roster.find(user) is None and user.key not in facts.dialling:
        raise Refused(refusal.INVALID_TARGET, document)


def _mcus_of(user: AddressOfRecord, facts: Facts) -> list[str]:
    """The MCU types that have an endpoint of a user."""
    found = facts.roster.find(user)
    held = [one.session_type for one in found.endpoints.values()] if found is not None else []
    held += sorted(facts.dialling.get(user.key, ()))
    return [kind for kind in dict.fromkeys(held) if kind and kind != SessionType.FOCUS and kind in facts.linked]


# Commands ------------------------------------------------------------------------------------------------------------


def _add_user(command: AddUser, document: Request, facts: Facts) -> Plan:
    check_entity(command.conference_keys.conf_entity, facts.roster.address, document)
    if len(command.user.endpoints) > 1:
        raise Refused(refusal.BAD_ADD_USER, document)
    endpoint = command.endpoint
    if endpoint is None:
        # It is optional (7.4): somebody is to be called at user/@entity, and the MCU gives the endpoint its name.
        return _dial_out(command, Endpoint(joining_method=JoiningMethod.DIALED_OUT), document, facts)
    if not all(is_known_stream(media) for media in endpoint.media):
        raise Refused(refusal.BAD_ADD_USER, document)
    if endpoint.joining_method == JoiningMethod.DIALED_OUT:
        return _dial_out(command, endpoint, document, facts)
    if endpoint.joining_method == JoiningMethod.DIALED_IN:
        return _dial_in(command, endpoint, document, facts)
    raise Refused(refusal.BAD_ADD_USER, document)


def _dial_out(command: AddUser, endpoint: Endpoint, document: Request, facts: Facts) -> Plan:
    mcu_type = _mcu(command, document, facts)
    if mcu_type not in DIAL_OUT_TYPES:
        raise Refused(refusal.NOT_FOR_AN_MCU, document)
    target = AddressOfRecord.read(command.user.entity)
    called = AddressOfRecord.read(endpoint.endpoint_uri) if endpoint.endpoint_uri else target
    if not _is_callable(target) or not _is_callable(called):
        raise Refused(refusal.INVALID_TARGET, document)
    if command.endpoint is not None:
        check_endpoint(endpoint, document)
    present = facts.roster.find_endpoint(target, endpoint.entity)
    if present is not None and present.session_type != mcu_type:
        raise Refused(refusal.BAD_ENDPOINT.saying("That endpoint entity is in use"), document)
    wish = role_in(command.user.roles, document)
    _insist(policy.authorise_dial_out(facts.record, facts.requester, target, locked=facts.locked), document)
    role = wish if wish is not None and facts.requester.presents else ATTENDEE
    known = facts.roster.find(target)
    role = known.role if known is not None else role
    completed = _completed(command, target, endpoint, role, facts)
    return Plan(effect=DialOut(target, role), legs=((mcu_type, completed),))


def _dial_in(command: AddUser, endpoint: Endpoint, document: Request, facts: Facts) -> Plan:
    mcu_type = _mcu(command, document, facts)
    check_endpoint(endpoint, document)
    role_in(command.user.roles, document)
    user = AddressOfRecord.read(command.user.entity)
    _insist(policy.authorise_dial_in(facts.requester, user), document)
    return Plan(legs=((mcu_type, _completed(command, user, endpoint, facts.requester.role, facts)),))


def _completed(command: AddUser, user: AddressOfRecord, endpoint: Endpoint, role: str, facts: Facts) -> AddUser:
    """The command as the MCU gets it: role granted, and how the Focus knows the user (7.4, step 4)."""
    local = _is_sip(user) and is_authenticated(user) and policy.in_enterprise(facts.record, user)
    endpoint = attrs.evolve(
        endpoint,
        auth_method=AuthMethod.ENTERPRISE if local else AuthMethod.ANONYMOUS,
        access_method=AccessMethod.INTERNAL if local else AccessMethod.EXTERNAL,
    )
    return attrs.evolve(command, user=attrs.evolve(command.user, roles=(role,), endpoints=(endpoint,)))


def _is_sip(user: AddressOfRecord) -> bool:
    return user.uri is not None and user.uri.scheme in ("sip", "sips")


def _delete_user(command: DeleteUser, document: Request, facts: Facts) -> Plan:
    check_entity(command.user_keys.conf_entity, facts.roster.address, document)
    only = _mcu(command, document, facts) if command.mcu_uri is not None else None
    target = AddressOfRecord.read(command.user_keys.user_entity)
    _existing(target, document, facts)
    _insist(
        policy.authorise_eject(
            facts.record, facts.requester, target, from_one_mcu=only is not None, policy=facts.policy
        ),
        document,
    )
    concerned = _mcus_of(target, facts)
    legs = tuple((kind, command.echo()) for kind in concerned if only in (None, kind))
    return Plan(effect=Eject(target) if only is None else None, legs=legs, everywhere=True, later=True)


def _modify_user_roles(command: ModifyUserRoles, document: Request, facts: Facts) -> Plan:
    check_entity(command.user_keys.conf_entity, facts.roster.address, document)
    _no_mcu(command, document)
    target = AddressOfRecord.read(command.user_keys.user_entity)
    if facts.roster.find(target) is None:
        raise Refused(refusal.INVALID_TARGET, document)
    role = role_in(command.roles, document)
    if role is None:
        raise Refused(refusal.INVALID_ROLE, document)
    _insist(policy.authorise_roles(facts.record, facts.requester, target, role, policy=facts.policy), document)
    legs = tuple((kind, command) for kind in _mcus_of(target, facts))
    return Plan(effect=SetRole(target, role), legs=legs, everywhere=True)


def _modify_conference_lock(command: ModifyConferenceLock, document: Request, facts: Facts) -> Plan:
    check_entity(command.conference_keys.conf_entity, facts.roster.address, document)
    _no_mcu(command, document)
    if command.locked is None or command.admission_policy not in (None, *AdmissionPolicy):
        raise Refused(refusal.UNPARSEABLE, document)
    _insist(policy.authorise_presenter(facts.requester), document)
    legs = tuple((kind, command) for kind in sorted(facts.linked))
    return Plan(effect=SetLock(command.locked, command.admission_policy), legs=legs, everywhere=True)


def _modify_endpoint_media(command: ModifyEndpointMedia, document: Request, facts: Facts) -> Plan:
    keys = command.media_keys
    check_entity(keys.conf_entity, facts.roster.address, document)
    mcu_type = _mcu(command, document, facts)
    user = AddressOfRecord.read(keys.user_entity)
    if facts.roster.find(user) is None:
        raise Refused(refusal.INVALID_TARGET, document)
    endpoint = facts.roster.find_endpoint(user, keys.endpoint_entity)
    if endpoint is None or endpoint.session_type != mcu_type:
        raise Refused(refusal.NO_SUCH_ENDPOINT, document)
    if not any(media.id == keys.media_id for media in endpoint.media):
        raise Refused(refusal.NO_SUCH_MEDIA, document)
    if command.media is None or command.media.id not in ("", keys.media_id) or not is_known_stream(command.media):
        raise Refused(refusal.UNPARSEABLE, document)
    may = _may_modify_own(mcu_type, command.media.type, facts)
    _insist(
        policy.authorise_media(facts.requester, user, opens=_opens(command.media), may_modify_own=may),
        document,
    )
    return Plan(legs=((mcu_type, command.echo()),))


def _opens(media: Media) -> bool:
    return media.ingress_filter == Filter.UNBLOCK or media.status in (MediaStatus.SENDRECV, MediaStatus.SENDONLY)


def _may_modify_own(mcu_type: str, media_type: str | None, facts: Facts) -> bool:
    view = next((one for one in facts.roster.views.values() if mcu_type_of(one.entity) == mcu_type), None)
    state = view.entity_state if view is not None else None
    if state is None:
        return True
    rules = [state.media_filters_rules] if state.media_filters_rules is not None else []
    rules += state.conf_media_filters_rules
    return all(one.may_modify(facts.requester.role) for one in rules if one.type in (None, media_type))


def _modify_conference(command: ModifyConference, document: Request, facts: Facts) -> Plan:
    info = command.conference_info
    check_entity(info.entity if info is not None else None, facts.roster.address, document)
    if command.mcu_uri is None:
        raise Refused(refusal.NOT_IMPLEMENTED.saying("the Focus itself is changed with modifyConferenceLock"), document)
    mcu_type = _mcu(command, document, facts)
    if not all(are_known_filters(rules) for rules in _rules_in(info)):
        raise Refused(refusal.UNPARSEABLE, document)
    _insist(policy.authorise_presenter(facts.requester), document)
    return Plan(legs=((mcu_type, command.echo()),))


def _rules_in(info: ConferenceInfo | None) -> list[MediaFiltersRules]:
    views = info.conference_view.views if info is not None and info.conference_view is not None else ()
    states = [view.entity_state for view in views if view.entity_state is not None]
    rules = [state.media_filters_rules for state in states if state.media_filters_rules is not None]
    return [*rules, *(one for state in states for one in state.conf_media_filters_rules)]


def _modify_announcements(command: ModifyConferenceAnnouncements, document: Request, facts: Facts) -> Plan:
    check_entity(command.conference_keys.conf_entity, facts.roster.address, document)
    mcu_type = _mcu(command, document, facts)
    _insist(policy.authorise_presenter(facts.requester), document)
    return Plan(legs=((mcu_type, command.echo()),))


def _set_lobby_access(command: SetLobbyAccess, document: Request, facts: Facts) -> Plan:
    check_entity(command.conference_keys.conf_entity, facts.roster.address, document)
    _no_mcu(command, document)
    if not command.user_entities or command.access not in (LobbyAccess.GRANTED, LobbyAccess.DENIED):
        raise Refused(refusal.UNPARSEABLE, document)
    users = tuple(AddressOfRecord.read(entity) for entity in command.user_entities)
    for address in users:
        user = facts.roster.find(address)
        if user is None or not user.in_lobby:
            raise Refused(refusal.INVALID_TARGET, document)
    _insist(policy.authorise_presenter(facts.requester), document)
    return Plan(effect=Lobby(users, command.access == LobbyAccess.GRANTED))


def _get_conference(command: GetConference, document: Request, facts: Facts) -> Plan:
    keys = command.conference_keys
    check_entity(keys.conf_entity if keys is not None else None, facts.roster.address, document)
    _no_mcu(command, document)
    return Plan(effect=Describe())


def _delete_conference(command: DeleteConference, document: Request, facts: Facts) -> Plan:
    check_entity(command.conference_keys.conf_entity, facts.roster.address, document)
    _no_mcu(command, document)
    _insist(policy.authorise_presenter(facts.requester), document)
    return Plan(effect=EndConference(), later=True)


_PLANNERS: Final[Mapping[type[Command], Callable[[Any, Request, Facts], Plan]]] = {
    AddUser: _add_user,
    DeleteUser: _delete_user,
    ModifyUserRoles: _modify_user_roles,
    ModifyConferenceLock: _modify_conference_lock,
    ModifyEndpointMedia: _modify_endpoint_media,
    ModifyConference: _modify_conference,
    ModifyConferenceAnnouncements: _modify_announcements,
    SetLobbyAccess: _set_lobby_access,
    GetConference: _get_conference,
    DeleteConference: _delete_conference,
}
