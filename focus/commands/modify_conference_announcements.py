"""modifyConferenceAnnouncements: whether an MCU says who comes and goes."""

from __future__ import annotations

from c3p import ModifyConferenceAnnouncements, Request
from focus.commands.authorisation import check_presents
from focus.commands.checks import check_entity, mcu_type_in
from focus.commands.plan import Facts, Plan


def plan_modify_conference_announcements(
    command: ModifyConferenceAnnouncements, document: Request, facts: Facts
) -> Plan:
    """Raises Refused."""
    check_entity(command.conference_keys.conf_entity, facts.roster.address, document)
    mcu_type = mcu_type_in(command, document, facts)
    check_presents(document, facts)
    return Plan(for_mcus=((mcu_type, command.echo()),))
