"""modifyConference: what an MCU has for all, such as muting everybody, or the lock (docs/commands.rst)."""

from __future__ import annotations

import attrs

from c3p import (
    ConferenceInfo,
    ConferenceKeys,
    EntityState,
    MediaFiltersRules,
    ModifyConference,
    ModifyConferenceLock,
    Request,
    are_known_filters,
)
from focus import refusal
from focus.commands.authorisation import check_presents
from focus.commands.checks import check_entity, mcu_type_in
from focus.commands.modify_conference_lock import plan_modify_conference_lock
from focus.commands.plan import Facts, Plan
from focus.refusal import Refused


def plan_modify_conference(command: ModifyConference, document: Request, facts: Facts) -> Plan:
    """Raises Refused."""
    info = command.conference_info
    check_entity(info.entity if info is not None else None, facts.roster.address, document)
    if command.mcu_uri is None:
        return _of_the_focus(command, info, document, facts)
    mcu_type = mcu_type_in(command, document, facts)
    if not all(are_known_filters(rules) for rules in _rules_in(info)):
        raise Refused(refusal.UNPARSEABLE, document)
    check_presents(document, facts)
    if any(state.locked is not None for state in _states_in(info)):
        # One MCU that is locked in an open conference, or the reverse, is what nobody wants.
        raise Refused(refusal.NOT_FOR_AN_MCU.saying("a conference is locked with modifyConferenceLock"), document)
    return Plan(for_mcus=((mcu_type, command.echo()),))


def _of_the_focus(command: ModifyConference, info: ConferenceInfo | None, document: Request, facts: Facts) -> Plan:
    """Without mcuUri the view of the Focus is meant, which has nothing but the lock, and the admission policy.

    Raises Refused.
    """
    views = info.conference_view.views if info is not None and info.conference_view is not None else ()
    admission = info.description.admission_policy if info is not None and info.description is not None else None
    if any(not facts.roster.address.is_named_by(view.entity) for view in views):
        raise Refused(refusal.INVALID_ENTITY.saying("a view of an MCU needs its mcuUri"), document)
    if any(_has_more_than_lock(state) for state in _states_in(info)):
        raise Refused(refusal.NOT_IMPLEMENTED.saying("the Focus has no setting but locked"), document)
    locked = next((state.locked for state in _states_in(info) if state.locked is not None), None)
    if locked is None and admission is None:
        raise Refused(
            refusal.NOT_IMPLEMENTED.saying("nothing in it can be changed while a conference goes on"), document
        )
    lock = ModifyConferenceLock(
        conference_keys=ConferenceKeys(conf_entity=facts.roster.focus_uri),
        locked=facts.locked if locked is None else locked,
        admission_policy=admission,
    )
    return plan_modify_conference_lock(lock, document, facts)


def _has_more_than_lock(state: EntityState) -> bool:
    return attrs.evolve(state, locked=None) != EntityState()


def _states_in(info: ConferenceInfo | None) -> list[EntityState]:
    views = info.conference_view.views if info is not None and info.conference_view is not None else ()
    return [view.entity_state for view in views if view.entity_state is not None]


def _rules_in(info: ConferenceInfo | None) -> list[MediaFiltersRules]:
    states = _states_in(info)
    rules = [state.media_filters_rules for state in states if state.media_filters_rules is not None]
    return [*rules, *(one for state in states for one in state.conf_media_filters_rules)]
