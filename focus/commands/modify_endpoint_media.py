"""modifyEndpointMedia: mute and unmute (docs/commands.rst)."""

from __future__ import annotations

from c3p import Filter, Media, MediaStatus, ModifyEndpointMedia, Request, is_known_stream, mcu_type_of
from focus import refusal
from focus.commands.authorisation import check_allowed
from focus.commands.checks import check_entity, mcu_type_in
from focus.commands.plan import Facts, Plan
from focus.policy import MediaQuestion
from focus.refusal import Refused
from sip import AddressOfRecord


def plan_modify_endpoint_media(command: ModifyEndpointMedia, document: Request, facts: Facts) -> Plan:
    """Raises Refused."""
    keys = command.media_keys
    check_entity(keys.conf_entity, facts.roster.address, document)
    mcu_type = mcu_type_in(command, document, facts)
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
    question = MediaQuestion(
        record=facts.record,
        requester=facts.requester,
        target=user,
        opens=_opens(command.media),
        may_modify_own=may,
    )
    check_allowed(question, document, facts)
    return Plan(for_mcus=((mcu_type, command.echo()),))


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
