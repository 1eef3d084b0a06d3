"""deleteUser: somebody is ejected, from the conference or from one MCU (docs/commands.rst)."""

from __future__ import annotations

import attrs

from c3p import DeleteUser, Request
from focus.commands.authorisation import check_allowed
from focus.commands.checks import check_entity, check_exists, mcu_type_in, mcus_of
from focus.commands.plan import Activation, Facts, Plan
from focus.mcus.relay import ClientCommand
from focus.policy import EjectQuestion
from sip import AddressOfRecord


@attrs.frozen
class Eject:
    """End every Focus dialog of a user and forget commands that would call it."""

    user: AddressOfRecord

    def apply(self, conference: Activation, command: ClientCommand, *, now: float) -> None:
        """End the dialogs."""
        conference.eject(self.user, now=now)


def plan_delete_user(command: DeleteUser, document: Request, facts: Facts) -> Plan:
    """Raises Refused."""
    check_entity(command.user_keys.conf_entity, facts.roster.address, document)
    only = mcu_type_in(command, document, facts) if command.mcu_uri is not None else None
    target = AddressOfRecord.read(command.user_keys.user_entity)
    check_exists(target, document, facts)
    question = EjectQuestion(
        record=facts.record, requester=facts.requester, target=target, from_one_mcu=only is not None
    )
    check_allowed(question, document, facts)
    concerned = mcus_of(target, facts)
    for_mcus = tuple((kind, command.echo()) for kind in concerned if only in (None, kind))
    effect = Eject(target) if only is None else None
    return Plan(effect=effect, for_mcus=for_mcus, everywhere=True, agreed=True, later=True)
