"""modifyConference: what an MCU has for all, such as muting everybody (C3P reference, 7.9)."""

from __future__ import annotations

from c3p import ConferenceInfo, MediaFiltersRules, ModifyConference, Request, are_known_filters
from focus import refusal
from focus.commands.authorisation import check_presents
from focus.commands.checks import check_entity, mcu_type_in
from focus.commands.plan import Facts, Plan
from focus.refusal import Refused


def plan_modify_conference(command: ModifyConference, document: Request, facts: Facts) -> Plan:
    """Raises Refused."""
    info = command.conference_info
    check_entity(info.entity if info is not None else None, facts.roster.address, document)
    if command.mcu_uri is None:
        raise Refused(refusal.NOT_IMPLEMENTED.saying("the Focus itself is changed with modifyConferenceLock"), document)
    mcu_type = mcu_type_in(command, document, facts)
    if not all(are_known_filters(rules) for rules in _rules_in(info)):
        raise Refused(refusal.UNPARSEABLE, document)
    check_presents(document, facts)
    return Plan(for_mcus=((mcu_type, command.echo()),))


def _rules_in(info: ConferenceInfo | None) -> list[MediaFiltersRules]:
    views = info.conference_view.views if info is not None and info.conference_view is not None else ()
    states = [view.entity_state for view in views if view.entity_state is not None]
    rules = [state.media_filters_rules for state in states if state.media_filters_rules is not None]
    return [*rules, *(one for state in states for one in state.conf_media_filters_rules)]
