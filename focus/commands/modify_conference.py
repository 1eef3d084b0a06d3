"""modifyConference: what an MCU has for all, such as muting everybody (C3P reference, 7.9)."""

from __future__ import annotations

from c3p import ConferenceInfo, EntityState, MediaFiltersRules, ModifyConference, Request, are_known_filters
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
    if any(state.locked is not None for state in _states_in(info)):
        # One MCU that is locked in an open conference, or the reverse, is what nobody wants.
        raise Refused(refusal.NOT_FOR_AN_MCU.saying("a conference is locked with modifyConferenceLock"), document)
    return Plan(for_mcus=((mcu_type, command.echo()),))


def _states_in(info: ConferenceInfo | None) -> list[EntityState]:
    views = info.conference_view.views if info is not None and info.conference_view is not None else ()
    return [view.entity_state for view in views if view.entity_state is not None]


def _rules_in(info: ConferenceInfo | None) -> list[MediaFiltersRules]:
    states = _states_in(info)
    rules = [state.media_filters_rules for state in states if state.media_filters_rules is not None]
    return [*rules, *(one for state in states for one in state.conf_media_filters_rules)]
