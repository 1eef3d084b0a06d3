"""modifyUserRoles: presenters make attendees presenters, and the reverse (docs/commands.rst)."""

from __future__ import annotations

import attrs

from c3p import ModifyUserRoles, Request
from focus import refusal
from focus.commands.authorisation import check_allowed
from focus.commands.checks import check_entity, check_no_mcu, mcus_of, role_in
from focus.commands.plan import Activation, Facts, Plan
from focus.mcus.relay import ClientCommand
from focus.policy import RoleQuestion
from focus.refusal import Refused
from sip import AddressOfRecord


@attrs.frozen
class SetRole:
    """Change what a user may do."""

    user: AddressOfRecord
    role: str

    def apply(self, conference: Activation, command: ClientCommand, *, now: float) -> None:
        """Show the role in the roster."""
        conference.roster.set_role(self.user, self.role)


def plan_modify_user_roles(command: ModifyUserRoles, document: Request, facts: Facts) -> Plan:
    """Raises Refused."""
    check_entity(command.user_keys.conf_entity, facts.roster.address, document)
    check_no_mcu(command, document)
    target = AddressOfRecord.read(command.user_keys.user_entity)
    if facts.roster.find(target) is None:
        raise Refused(refusal.INVALID_TARGET, document)
    role = role_in(command.roles, document)
    if role is None:
        raise Refused(refusal.INVALID_ROLE, document)
    question = RoleQuestion(record=facts.record, requester=facts.requester, target=target, role=role)
    check_allowed(question, document, facts)
    for_mcus = tuple((kind, command) for kind in mcus_of(target, facts))
    return Plan(effect=SetRole(target, role), for_mcus=for_mcus, everywhere=True)
