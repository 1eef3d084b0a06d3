"""modifyEndpoint: hold, gains and keys of one endpoint, which its MCU carries out (docs/commands.rst)."""

from __future__ import annotations

from c3p import ModifyEndpoint, Request
from focus import refusal
from focus.commands.authorisation import check_allowed
from focus.commands.checks import check_entity, mcu_type_in
from focus.commands.plan import Facts, Plan
from focus.policy import MediaQuestion
from focus.refusal import Refused
from sip import AddressOfRecord


def plan_modify_endpoint(command: ModifyEndpoint, document: Request, facts: Facts) -> Plan:
    """What one may do to one's own media, and a presenter to those of all. Raises Refused."""
    keys = command.endpoint_keys
    check_entity(keys.conf_entity if keys is not None else None, facts.roster.address, document)
    if keys is None or (command.endpoint is not None and command.endpoint.entity not in ("", keys.endpoint_entity)):
        raise Refused(refusal.UNPARSEABLE, document)
    if command.mcu_uri is None:
        raise Refused(refusal.NOT_IMPLEMENTED.saying("an endpoint of the Focus has nothing to be changed"), document)
    mcu_type = mcu_type_in(command, document, facts)
    user = AddressOfRecord.read(keys.user_entity)
    if facts.roster.find(user) is None:
        raise Refused(refusal.INVALID_TARGET, document)
    endpoint = facts.roster.find_endpoint(user, keys.endpoint_entity)
    if endpoint is None or endpoint.session_type != mcu_type:
        raise Refused(refusal.NO_SUCH_ENDPOINT, document)
    question = MediaQuestion(
        record=facts.record, requester=facts.requester, target=user, opens=False, may_modify_own=True
    )
    check_allowed(question, document, facts)
    return Plan(for_mcus=((mcu_type, command.echo()),))
