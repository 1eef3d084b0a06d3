"""What to send to a receiver that has one state so that it gets another: the inverse of merging.

The format can add, replace and merge, and remove what carries a ``state``; it cannot remove a child, say an order,
or take back a value. Wherever a partial item would not give exactly the new one, the item is sent full; where the
items of a collection would not, the collection; where that is not enough either, the whole document.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import attrs

from c3p.binding.binding import bound_fields, ordered_extra
from c3p.binding.node import Extra, Node
from c3p.conference.description import ConferenceDescription
from c3p.conference.entity_key import guid_key, uri_key
from c3p.conference.info import ConferenceInfo, HostInfo, Users
from c3p.conference.merge import (
    Key,
    differing,
    media_entry_key,
    media_key,
    merge_description,
    merge_endpoint,
    merge_entity_state,
    merge_entity_view,
    merge_host_info,
    merge_items,
    merge_user,
    uri_entry_key,
)
from c3p.conference.user import Endpoint, User
from c3p.conference.view import ConferenceView, EntityState, EntityView
from c3p.vocabulary import State

if TYPE_CHECKING:
    pass

N = TypeVar("N", bound=Node)
S = TypeVar("S", User, Endpoint, EntityView)


def diff(old: ConferenceInfo, new: ConferenceInfo, *, whole_users: bool = False) -> ConferenceInfo:
    """The document that makes ``new`` out of ``old``: ``old.apply(diff(old, new)) == new.settled()``.

    Partial where the format allows, else full; it carries the version of ``new``. With ``whole_users`` each changed
    user is sent full, for receivers that merge by user and endpoint only (docs/design-decisions.rst).
    """
    target = new.settled()
    if new.state == State.DELETED:
        return ConferenceInfo(entity=new.entity, state=State.DELETED, version=new.version)
    change = _changed(old, target, entity=target.entity, state=State.PARTIAL, version=target.version)
    change = attrs.evolve(
        change,
        description=_optional(old.description, target.description, _diff_description),
        host_info=_optional(old.host_info, target.host_info, _diff_host_info),
        users=_optional(old.users, target.users, _users_differ(whole_users)),
        conference_view=_optional(old.conference_view, target.conference_view, _diff_conference_view),
        trusted_entities=_optional(old.trusted_entities, target.trusted_entities, _users_differ(whole_users)),
    )
    return change if old.apply(change) == target else target


def _changed(old: N, new: N, **given: object) -> N:
    """A node with only those values of ``new`` that ``old`` has not, and with ``given``."""
    # Unknown attributes of a known child travel with the child, so it goes along when only they changed.
    trimmed = {one.field for one in set(new.extra.trimmings) ^ set(old.extra.trimmings)}
    values = {
        field.name: value
        for field in bound_fields(type(new))
        if (value := getattr(new, field.name)) != getattr(old, field.name) or field.name in trimmed
    }
    values.update(given)
    extra = _changed_extra(old, new, values) if new.extra or old.extra else Extra()
    return type(new)(**values, extra=extra)


def _changed_extra(old: Node, new: Node, present: dict[str, object]) -> Extra:
    known = dict(old.extra.attributes)
    names = {one.element.name for one in set(new.extra.elements) ^ set(old.extra.elements)}
    return ordered_extra(
        type(new),
        (pair for pair in new.extra.attributes if known.get(pair[0]) != pair[1]),
        (one for one in new.extra.elements if one.element.name in names),
        (one for one in new.extra.trimmings if one.field in present or one not in old.extra.trimmings),
    )


def _optional(old: N | None, new: N | None, differ: Callable[[N, N], N | None]) -> N | None:
    """Nothing when nothing changed, all of it when it is new, else what ``differ`` finds."""
    if new is None or old == new:
        return None
    return new if old is None else differ(old, new)


def _diff_items(
    old: tuple[S, ...],
    new: tuple[S, ...],
    key: Callable[[str], str],
    differ: Callable[[S, S], S],
    merge: Callable[[S, S], S],
) -> tuple[S, ...] | None:
    """Changes of items with ``state``, by the key of their entity; None when they cannot give exactly ``new``."""
    gone, come = differing(old, new)
    before = {key(item.entity): item for item in gone}
    after = {key(item.entity) for item in come}
    changes = [type(item)(entity=item.entity, state=State.DELETED) for item in gone if key(item.entity) not in after]
    for item in come:
        known = before.get(key(item.entity))
        if known is None:
            changes.append(item)
        elif known is not item and known != item:
            changes.append(differ(known, item))
    return tuple(changes) if merge_items(old, changes, key, merge) == new else None


def _diff_keyed(old: tuple[N, ...], new: tuple[N, ...], key: Key[N], name: str) -> tuple[N, ...]:
    """Changes of items without ``state``; the key is made of the field ``name``."""
    before = {key(item): item for item in old}
    changes: list[N] = []
    for item in new:
        known = before.get(key(item))
        if known is None:
            changes.append(item)
        elif known != item:
            changes.append(_changed(known, item, **{name: getattr(item, name)}))
    return tuple(changes)


def _users_differ(whole: bool) -> Callable[[Users, Users], Users]:
    differ = (lambda old, new: new) if whole else _diff_user

    def diff_users(old: Users, new: Users) -> Users:
        items = _diff_items(old.users, new.users, uri_key, differ, merge_user)
        return new if items is None else _changed(old, new, state=State.PARTIAL, users=items)

    return diff_users


def _diff_conference_view(old: ConferenceView, new: ConferenceView) -> ConferenceView:
    items = _diff_items(old.views, new.views, uri_key, _diff_entity_view, merge_entity_view)
    return new if items is None else _changed(old, new, state=State.PARTIAL, views=items)


def _diff_user(old: User, new: User) -> User:
    endpoints = _diff_items(old.endpoints, new.endpoints, guid_key, _diff_endpoint, merge_endpoint)
    if endpoints is None:
        return new
    change = _changed(old, new, entity=new.entity, state=State.PARTIAL, endpoints=endpoints)
    return change if merge_user(old, change) == new else new


def _diff_endpoint(old: Endpoint, new: Endpoint) -> Endpoint:
    media = _diff_keyed(old.media, new.media, media_key, "id")
    change = _changed(old, new, entity=new.entity, state=State.PARTIAL, media=media)
    return change if merge_endpoint(old, change) == new else new


def _diff_entity_view(old: EntityView, new: EntityView) -> EntityView:
    change = _changed(
        old,
        new,
        entity=new.entity,
        state=State.PARTIAL,
        entity_state=_optional(old.entity_state, new.entity_state, _diff_entity_state),
    )
    return change if merge_entity_view(old, change) == new else new


def _diff_entity_state(old: EntityState, new: EntityState) -> EntityState:
    change = _changed(old, new, media=_diff_keyed(old.media, new.media, media_entry_key, "label"))
    return change if merge_entity_state(old, change) == new else new


def _diff_description(old: ConferenceDescription, new: ConferenceDescription) -> ConferenceDescription:
    conf_uris = _diff_keyed(old.conf_uris, new.conf_uris, uri_entry_key, "uri")
    service_uris = _diff_keyed(old.service_uris, new.service_uris, uri_entry_key, "uri")
    change = _changed(
        old,
        new,
        conf_uris=conf_uris,
        conf_uris_state=State.PARTIAL if conf_uris else None,
        service_uris=service_uris,
        service_uris_state=State.PARTIAL if service_uris else None,
        available_media=_diff_keyed(old.available_media, new.available_media, media_entry_key, "label"),
    )
    if merge_description(old, change) == new:
        return change
    return attrs.evolve(
        change,
        conf_uris=new.conf_uris,
        conf_uris_state=State.FULL if new.conf_uris else State.DELETED,
        service_uris=new.service_uris,
        service_uris_state=State.FULL if new.service_uris else State.DELETED,
    )


def _diff_host_info(old: HostInfo, new: HostInfo) -> HostInfo:
    uris = _diff_keyed(old.uris, new.uris, uri_entry_key, "uri")
    change = _changed(old, new, uris=uris, uris_state=State.PARTIAL if uris else None)
    if merge_host_info(old, change) == new:
        return change
    return attrs.evolve(change, uris=new.uris, uris_state=State.FULL if new.uris else State.DELETED)
