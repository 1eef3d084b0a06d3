"""addUser: somebody is called by an MCU, or announces a connection of its own (docs/commands.rst)."""

from __future__ import annotations

import attrs

from c3p import AccessMethod, AddUser, AuthMethod, Endpoint, EntryCheck, JoiningMethod, Request, is_known_stream
from focus import policy, refusal
from focus.commands.authorisation import check_allowed
from focus.commands.checks import check_endpoint, check_entity, is_callable, is_sip, mcu_type_in, role_in
from focus.commands.plan import DialOut, Facts, Plan
from focus.identity import is_authenticated
from focus.policy import ATTENDEE, DIAL_OUT_TYPES, DialInQuestion, DialOutQuestion
from focus.records import ConferenceRecord
from focus.refusal import Refused
from sip import AddressOfRecord


def plan_add_user(command: AddUser, document: Request, facts: Facts) -> Plan:
    """Raises Refused."""
    check_entity(command.conference_keys.conf_entity, facts.roster.address, document)
    if len(command.user.endpoints) > 1:
        raise Refused(refusal.BAD_ADD_USER, document)
    endpoint = command.endpoint
    if endpoint is None:
        # It is optional: somebody is to be called at user/@entity, and the MCU gives the endpoint its name.
        return _dial_out(command, Endpoint(joining_method=JoiningMethod.DIALED_OUT), document, facts)
    if not all(is_known_stream(media) for media in endpoint.media):
        raise Refused(refusal.BAD_ADD_USER, document)
    if endpoint.joining_method == JoiningMethod.DIALED_OUT:
        return _dial_out(command, endpoint, document, facts)
    if endpoint.joining_method == JoiningMethod.DIALED_IN:
        return _dial_in(command, endpoint, document, facts)
    raise Refused(refusal.BAD_ADD_USER, document)


def _dial_out(command: AddUser, endpoint: Endpoint, document: Request, facts: Facts) -> Plan:
    mcu_type = mcu_type_in(command, document, facts)
    if mcu_type not in DIAL_OUT_TYPES:
        raise Refused(refusal.NOT_FOR_AN_MCU, document)
    target = AddressOfRecord.read(command.user.entity)
    called = AddressOfRecord.read(endpoint.refer_to_uri or endpoint.endpoint_uri or command.user.entity)
    if not is_callable(target) or not is_callable(called):
        raise Refused(refusal.INVALID_TARGET, document)
    if command.endpoint is not None:
        check_endpoint(endpoint, document)
    wish = role_in(command.user.roles, document)
    question = DialOutQuestion(
        record=facts.record, requester=facts.requester, target=target, called=called, locked=facts.locked
    )
    check_allowed(question, document, facts)
    role = wish if wish is not None and facts.requester.presents else ATTENDEE
    known = facts.roster.find(target)
    role = known.role if known is not None else role
    completed = as_mcu_gets_it(command, target, endpoint, role, facts.record)
    return Plan(dial_out=DialOut(target, role), for_mcus=((mcu_type, completed),))


def _dial_in(command: AddUser, endpoint: Endpoint, document: Request, facts: Facts) -> Plan:
    mcu_type = mcu_type_in(command, document, facts)
    check_endpoint(endpoint, document)
    role_in(command.user.roles, document)
    user = AddressOfRecord.read(command.user.entity)
    check_allowed(DialInQuestion(record=facts.record, requester=facts.requester, target=user), document, facts)
    return Plan(for_mcus=((mcu_type, as_mcu_gets_it(command, user, endpoint, facts.requester.role, facts.record)),))


def as_mcu_gets_it(
    command: AddUser,
    user: AddressOfRecord,
    endpoint: Endpoint,
    role: str,
    record: ConferenceRecord,
    check: EntryCheck | None = None,
) -> AddUser:
    """The command as the MCU gets it: role granted, and how the Focus knows the user (docs/wire-flow.rst, step 4).

    What a caller has to do at the door is for the Focus to say, whatever the command says of it.
    """
    local = is_sip(user) and is_authenticated(user) and policy.in_enterprise(record, user)
    endpoint = attrs.evolve(
        endpoint,
        auth_method=AuthMethod.ENTERPRISE if local else AuthMethod.ANONYMOUS,
        access_method=AccessMethod.INTERNAL if local else AccessMethod.EXTERNAL,
        # The roster is for everybody: a password in an address goes no further.
        endpoint_uri=_without_password(endpoint.endpoint_uri),
        refer_to_uri=_without_password(endpoint.refer_to_uri),
    )
    known = attrs.evolve(command.user, entity=user.text, roles=(role,), endpoints=(endpoint,))
    return attrs.evolve(command, user=known, entry_check=check)


def _without_password(uri: str | None) -> str | None:
    return AddressOfRecord.read(uri).text if uri else uri
