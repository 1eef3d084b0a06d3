"""How a conference-info document changes what a receiver has (RFC 4575 sections 4.4 and 4.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Final, Protocol, TypeVar, cast

import attrs

from c3p.binding.binding import bound_fields, evolved, ordered_extra
from c3p.binding.node import NOTHING, Extra, Node
from c3p.conference.description import ConferenceDescription
from c3p.conference.entity_key import guid_key, text_key, uri_key
from c3p.conference.uri_entry import UriEntry
from c3p.conference.user import Endpoint, Media, User
from c3p.conference.view import ConferenceView, EntityState, EntityView, MediaEntry
from c3p.errors import MalformedDocument
from c3p.vocabulary import State

if TYPE_CHECKING:
    from c3p.conference.info import ConferenceInfo, HostInfo, Users

    C = TypeVar("C", bound=ConferenceInfo)

N = TypeVar("N", bound=Node)


class _Stateful(Protocol):
    @property
    def state(self) -> str | None: ...


class Index(Protocol):
    """Finds the one user that a change is about (`c3p.conference.user_index`)."""

    def merged(self, known: tuple[User, ...], change: User) -> tuple[User, ...]:
        """The users after it."""
        ...


S = TypeVar("S", User, Endpoint, EntityView)
#: Key of an item.
Key = Callable[[N], str]


_STATES: Final[Mapping[str, State]] = {state.value: state for state in State}


def state_of(item: _Stateful, default: State = State.FULL) -> State:
    """State of an item; ``default`` where it has none. Raises MalformedDocument for a word that is no state."""
    return read_state(item.state, default)


def read_state(word: str | None, default: State = State.FULL) -> State:
    """A ``state`` attribute; ``default`` where there is none. Raises MalformedDocument for any other word.

    A word that nobody knows must not be taken for the default, which would wipe what its sender meant to change.
    """
    if word is None:
        return default
    state = _STATES.get(word)
    if state is None:
        raise MalformedDocument(f"not a state: {word[:200]!r}")
    return state


def user_key(user: User) -> str:
    """Key of a user."""
    return uri_key(user.entity)


def endpoint_key(endpoint: Endpoint) -> str:
    """Key of an endpoint in its user."""
    return guid_key(endpoint.entity)


def view_key(view: EntityView) -> str:
    """Key of a view."""
    return uri_key(view.entity)


def media_key(media: Media) -> str:
    """Key of a media in its endpoint."""
    return text_key(media.id)


def media_entry_key(entry: MediaEntry) -> str:
    """Key of a media entry of a view or description."""
    return text_key(entry.label)


def uri_entry_key(entry: UriEntry) -> str:
    """Key of an entry of ``conf-uris`` and the like."""
    return uri_key(entry.uri or "")


def apply(known: C, change: C, *, strict: bool = False, index: Index | None = None) -> C:
    """See :meth:`c3p.ConferenceInfo.apply`. Users are found by ``index`` where there is one."""
    state = read_state(change.state)
    entity = change.entity or known.entity
    if state is State.DELETED:
        return type(known)(entity=entity, state=State.DELETED, version=change.version)
    if state is State.FULL:
        return settle(attrs.evolve(change, entity=entity))
    _must_name_what_changes(change)
    missing = State.FULL if strict else State.PARTIAL
    merged: dict[str, object] = {"state": State.FULL}  # and each part that the change has
    if change.description is not None:
        merged["description"] = merge_description(known.description, change.description, strict=strict)
    if change.host_info is not None:
        merged["host_info"] = merge_host_info(known.host_info, change.host_info, strict=strict)
    if change.users is not None:
        merged["users"] = merge_users(known.users, change.users, missing, index)
    if change.conference_view is not None:
        merged["conference_view"] = merge_conference_view(known.conference_view, change.conference_view, missing)
    if change.trusted_entities is not None:
        merged["trusted_entities"] = merge_users(known.trusted_entities, change.trusted_entities, missing)
    return overlay(known, change, **merged)


def _must_name_what_changes(change: ConferenceInfo) -> None:
    """Raise MalformedDocument for an item of a partial document without its key: a change of nobody knows what.

    In a full document such an item is left out, since there is nothing else that it could have meant.
    """
    keys: list[str] = []
    for users in (change.users, change.trusted_entities):
        if users is not None:
            for user in users.users:
                keys.append(uri_key(user.entity))
                keys += map(endpoint_key, user.endpoints)
    if change.conference_view is not None:
        keys += map(view_key, change.conference_view.views)
    if not all(keys):
        raise MalformedDocument("a change of a user, an endpoint or a view without its entity")


def _all_blanks(cls: type[Node]) -> tuple[tuple[str, object], ...]:
    return tuple((field.name, field.blank) for field in bound_fields(cls))


#: Fields of a class, and what they have where nothing was said.
_blanks: Final = cast("Callable[[type[Node]], tuple[tuple[str, object], ...]]", cache(_all_blanks))


def overlay(known: N, change: N, **merged: object) -> N:
    """``known`` with each child and attribute that ``change`` has; ``merged`` are values worked out already."""
    said = change.__dict__
    for name, blank in _blanks(type(known)):
        value = said[name]
        if value is not blank and value != blank and name not in merged:
            merged[name] = value
    if change.extra is not NOTHING and change.extra:
        merged["extra"] = _overlay_extra(known, change)
    return evolved(known, merged)


def _overlay_extra(known: Node, change: Node) -> Extra:
    """Unknown children without ``state`` are replaced by name, as known ones are."""
    names = {one.element.name for one in change.extra.elements}
    present = {field.name for field in bound_fields(type(change)) if getattr(change, field.name) != field.blank}
    return ordered_extra(
        type(known),
        {**dict(known.extra.attributes), **dict(change.extra.attributes)}.items(),
        (*(one for one in known.extra.elements if one.element.name not in names), *change.extra.elements),
        (*(one for one in known.extra.trimmings if one.field not in present), *change.extra.trimmings),
    )


def merge_items(
    known: tuple[S, ...], changes: Iterable[S], key: Callable[[str], str], merge: Callable[[S, S], S]
) -> tuple[S, ...]:
    """Items that carry their own ``state``, by the key of their entity: deleted ones go, full ones replace, partial
    ones merge.

    Those without a key are nothing that could be changed later, and are left out; in a partial document they are
    refused before (`apply`).
    """
    items: list[S | None] = list(known)
    gone = False
    places: dict[str, int] = {}
    for place, item in enumerate(known):
        places[key(item.entity)] = place
    for change in changes:
        name, state = key(change.entity), read_state(change.state)
        if not name:
            continue
        at = places.get(name)
        old = items[at] if at is not None else None
        if state is State.DELETED:
            if at is not None:
                items[at], gone = None, True
                del places[name]
        elif at is None or old is None:
            places[name] = len(items)
            items.append(settle_item(change))
        else:
            items[at] = settle_item(change) if state is State.FULL else merge(old, change)
    return tuple([item for item in items if item is not None]) if gone else cast("tuple[S, ...]", tuple(items))


def merge_keyed(known: tuple[N, ...], changes: Iterable[N], key: Key[N], merge: Callable[[N, N], N]) -> tuple[N, ...]:
    """Items without ``state``: merged by key, never removed."""
    items = list(known)
    places = {key(item): place for place, item in enumerate(known)}
    for change in changes:
        place = places.setdefault(key(change), len(items))
        if place == len(items):
            items.append(change)
        else:
            items[place] = merge(items[place], change)
    return tuple(items)


def differing(old: tuple[N, ...], new: tuple[N, ...]) -> tuple[tuple[N, ...], tuple[N, ...]]:
    """Both without the items at either end that are the very same: what did not change keeps its identity."""
    most = min(len(old), len(new))
    head = 0
    while head < most and old[head] is new[head]:
        head += 1
    tail = 0
    while tail < most - head and old[-1 - tail] is new[-1 - tail]:
        tail += 1
    return old[head : len(old) - tail], new[head : len(new) - tail]


def merge_users(known: Users | None, change: Users, missing: State, index: Index | None = None) -> Users:
    """``users`` and ``trusted-entities``; ``missing`` is the state of a collection that has none."""
    if known is None or read_state(change.state, missing) is not State.PARTIAL:
        return settle_users(change)
    if index is not None and len(change.users) == 1:
        users = index.merged(known.users, change.users[0])
    else:
        users = merge_items(known.users, change.users, uri_key, merge_user)
    return overlay(known, change, state=State.FULL, users=users)


def merge_changed(known: User | None, change: User) -> User | None:
    """One user after a change of it, None when it is gone; ``known`` None: it was not there."""
    state = read_state(change.state)
    if state is State.DELETED:
        return None
    return settle_item(change) if known is None or state is State.FULL else merge_user(known, change)


def merge_conference_view(known: ConferenceView | None, change: ConferenceView, missing: State) -> ConferenceView:
    """``msci:conference-view``."""
    if known is None or read_state(change.state, missing) is not State.PARTIAL:
        return settle_view(change)
    return overlay(
        known, change, state=State.FULL, views=merge_items(known.views, change.views, uri_key, merge_entity_view)
    )


def merge_user(known: User, change: User) -> User:
    """Each child that is present replaces; endpoints merge."""
    endpoints = merge_items(known.endpoints, change.endpoints, guid_key, merge_endpoint)
    return overlay(known, change, state=State.FULL, endpoints=endpoints)


def merge_endpoint(known: Endpoint, change: Endpoint) -> Endpoint:
    """Each child and attribute that is present replaces; media merge by id."""
    media = merge_keyed(known.media, change.media, media_key, overlay)
    return overlay(known, change, state=State.FULL, media=media)


def merge_entity_view(known: EntityView, change: EntityView) -> EntityView:
    """Capabilities are replaced as a whole, the entity state child by child."""
    entity_state = known.entity_state
    if change.entity_state is not None:
        entity_state = merge_entity_state(entity_state or EntityState(), change.entity_state)
    return overlay(known, change, state=State.FULL, entity_state=entity_state)


def merge_entity_state(known: EntityState, change: EntityState) -> EntityState:
    """Each child that is present replaces, repeated filter rules as one block; media entries merge by label."""
    return overlay(known, change, media=merge_keyed(known.media, change.media, media_entry_key, overlay))


def merge_description(
    known: ConferenceDescription | None, change: ConferenceDescription, *, strict: bool = False
) -> ConferenceDescription:
    """Each child that is present replaces; URI entries and media entries merge by key."""
    if known is None:
        return settle_description(change)
    conf_uris = _merge_uris(known.conf_uris, change.conf_uris, change.conf_uris_state, strict=strict)
    service_uris = _merge_uris(known.service_uris, change.service_uris, change.service_uris_state, strict=strict)
    return overlay(
        known,
        change,
        conf_uris=conf_uris,
        conf_uris_state=State.FULL if conf_uris else None,
        service_uris=service_uris,
        service_uris_state=State.FULL if service_uris else None,
        available_media=merge_keyed(known.available_media, change.available_media, media_entry_key, overlay),
    )


def merge_host_info(known: HostInfo | None, change: HostInfo, *, strict: bool = False) -> HostInfo:
    """Each child that is present replaces; URI entries merge by key."""
    if known is None:
        return settle_host_info(change)
    uris = _merge_uris(known.uris, change.uris, change.uris_state, strict=strict)
    return overlay(known, change, uris=uris, uris_state=State.FULL if uris else None)


def _merge_uris(
    known: tuple[UriEntry, ...], change: tuple[UriEntry, ...], state: str | None, *, strict: bool
) -> tuple[UriEntry, ...]:
    wanted = read_state(state, State.FULL if strict and change else State.PARTIAL)
    if wanted is State.PARTIAL:
        return merge_keyed(known, change, uri_entry_key, overlay)
    return _settle_uris(change, state)


def settle(info: C) -> C:
    """See :meth:`c3p.ConferenceInfo.settled`."""
    read_state(info.state)
    return attrs.evolve(
        info,
        state=State.FULL,
        description=settle_description(info.description) if info.description else None,
        host_info=settle_host_info(info.host_info) if info.host_info else None,
        users=settle_users(info.users) if info.users else None,
        conference_view=settle_view(info.conference_view) if info.conference_view else None,
        trusted_entities=settle_users(info.trusted_entities) if info.trusted_entities else None,
    )


def settle_users(users: Users) -> Users:
    """A collection of users as it stands, without those that are deleted, each once."""
    if read_state(users.state) is State.DELETED:
        return type(users)(state=State.FULL)
    return attrs.evolve(users, state=State.FULL, users=merge_items((), users.users, uri_key, merge_user))


def settle_view(view: ConferenceView) -> ConferenceView:
    """A collection of views as it stands, without those that are deleted."""
    if read_state(view.state) is State.DELETED:
        return ConferenceView(state=State.FULL)
    return attrs.evolve(view, state=State.FULL, views=merge_items((), view.views, uri_key, merge_entity_view))


def settle_item(item: S) -> S:
    """An item as it stands, marked full."""
    if isinstance(item, User) and not _settled(item.endpoints):
        return evolved(
            item, {"state": State.FULL, "endpoints": merge_items((), item.endpoints, guid_key, merge_endpoint)}
        )
    return item if item.state == State.FULL else evolved(item, {"state": State.FULL})


def _settled(endpoints: tuple[Endpoint, ...]) -> bool:
    full = [one for one in endpoints if one.state == State.FULL and one.entity]
    return len(full) == len(endpoints) and (len(full) < 2 or len({endpoint_key(one) for one in full}) == len(full))


def settle_description(description: ConferenceDescription) -> ConferenceDescription:
    """A description as it stands, its lists of URIs marked full."""
    conf_uris = _settle_uris(description.conf_uris, description.conf_uris_state)
    service_uris = _settle_uris(description.service_uris, description.service_uris_state)
    return attrs.evolve(
        description,
        conf_uris=conf_uris,
        conf_uris_state=State.FULL if conf_uris else None,
        service_uris=service_uris,
        service_uris_state=State.FULL if service_uris else None,
        available_media=merge_keyed((), description.available_media, media_entry_key, overlay),
    )


def settle_host_info(host_info: HostInfo) -> HostInfo:
    """The same for the host."""
    uris = _settle_uris(host_info.uris, host_info.uris_state)
    return attrs.evolve(host_info, uris=uris, uris_state=State.FULL if uris else None)


def _settle_uris(entries: tuple[UriEntry, ...], state: str | None) -> tuple[UriEntry, ...]:
    deleted = read_state(state, State.FULL) is State.DELETED
    return () if deleted else merge_keyed((), entries, uri_entry_key, overlay)
