"""modifyConferenceLock: nobody else gets in, or everybody may again (docs/commands.rst)."""

from __future__ import annotations

import attrs

from c3p import AdmissionPolicy, ModifyConferenceLock, Request
from focus import refusal
from focus.commands.authorisation import check_presents
from focus.commands.checks import check_entity, check_no_mcu
from focus.commands.plan import Activation, Facts, Plan
from focus.mcus.relay import ClientCommand
from focus.refusal import Refused


@attrs.frozen
class SetLock:
    """Lock or unlock the conference."""

    locked: bool
    admission_policy: str | None

    def apply(self, conference: Activation, command: ClientCommand, *, now: float) -> None:
        """Lock or unlock."""
        conference.set_lock(self.locked, self.admission_policy)


def plan_modify_conference_lock(command: ModifyConferenceLock, document: Request, facts: Facts) -> Plan:
    """Raises Refused."""
    check_entity(command.conference_keys.conf_entity, facts.roster.address, document)
    check_no_mcu(command, document)
    if command.locked is None or command.admission_policy not in (None, *AdmissionPolicy):
        raise Refused(refusal.UNPARSEABLE, document)
    check_presents(document, facts)
    for_mcus = tuple((kind, command) for kind in sorted(facts.linked))
    return Plan(effect=SetLock(command.locked, command.admission_policy), for_mcus=for_mcus, everywhere=True)
