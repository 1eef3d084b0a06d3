"""What happened between two states of a conference (conference-info.md section 4.3, last paragraph)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import attrs

from c3p.conference_info import ConferenceInfo
from c3p.conference_view import EntityView, MediaEntry, MediaFiltersRules
from c3p.merge import differing, endpoint_key, media_key, user_key, view_key
from c3p.user import Endpoint, Media, User

T = TypeVar("T", User, Endpoint, Media, EntityView)


@attrs.frozen(kw_only=True)
class Change:
    """Base of all changes."""


@attrs.frozen(kw_only=True)
class UserAdded(Change):
    """A user is in the conference who was not; an :class:`EndpointAdded` follows for each of its endpoints."""

    user: User


@attrs.frozen(kw_only=True)
class UserRemoved(Change):
    """A user is gone; an :class:`EndpointRemoved` came before for each of its endpoints."""

    user: User  #: as it was last


@attrs.frozen(kw_only=True)
class UserRolesChanged(Change):
    """A user has another role."""

    user: User
    before: tuple[str, ...]


@attrs.frozen(kw_only=True)
class EndpointAdded(Change):
    """A user has a new endpoint."""

    user: User
    endpoint: Endpoint


@attrs.frozen(kw_only=True)
class EndpointRemoved(Change):
    """A user has lost an endpoint."""

    user: User
    endpoint: Endpoint  #: as it was last


@attrs.frozen(kw_only=True)
class EndpointStatusChanged(Change):
    """An endpoint has another status, such as ``alerting``."""

    user: User
    endpoint: Endpoint
    before: str | None


@attrs.frozen(kw_only=True)
class MediaAdded(Change):
    """An endpoint that was there has a new stream."""

    user: User
    endpoint: Endpoint
    media: Media


@attrs.frozen(kw_only=True)
class MediaRemoved(Change):
    """An endpoint that stays has lost a stream."""

    user: User
    endpoint: Endpoint
    media: Media  #: as it was last


@attrs.frozen(kw_only=True)
class MediaStatusChanged(Change):
    """A stream has another direction."""

    user: User
    endpoint: Endpoint
    media: Media
    before: str | None


@attrs.frozen(kw_only=True)
class MediaFiltersChanged(Change):
    """The MCU lets a stream through, or no longer."""

    user: User
    endpoint: Endpoint
    media: Media
    before: Media


@attrs.frozen(kw_only=True)
class ViewAdded(Change):
    """The Focus or an MCU has begun to report about itself."""

    view: EntityView


@attrs.frozen(kw_only=True)
class ViewRemoved(Change):
    """An MCU no longer reports about itself."""

    view: EntityView  #: as it was last


@attrs.frozen(kw_only=True)
class ViewLockedChanged(Change):
    """The Focus or an MCU was locked or unlocked."""

    view: EntityView
    locked: bool | None


@attrs.frozen(kw_only=True)
class ViewFiltersChanged(Change):
    """The filter rules of an MCU have changed."""

    view: EntityView


@attrs.frozen(kw_only=True)
class ViewVideoModeChanged(Change):
    """An MCU chooses in another way whose video everybody sees."""

    view: EntityView


def changes(old: ConferenceInfo | None, new: ConferenceInfo | None) -> list[Change]:
    """What happened from ``old`` to ``new``, both whole states; None is a conference that is not there.

    Users first, in the order of the old and then of the new roster; then the views. Trusted entities are left out.
    """
    before = old.users.users if old and old.users else ()
    after = new.users.users if new and new.users else ()
    old_views = old.conference_view.views if old and old.conference_view else ()
    new_views = new.conference_view.views if new and new.conference_view else ()
    return [*_users(before, after), *_views(old_views, new_views)]


def _pairs(before: tuple[T, ...], after: tuple[T, ...], key: Callable[[T], str]) -> Iterator[tuple[T | None, T | None]]:
    """Old and new item of each key that differs, removed ones first."""
    before, after = differing(before, after)
    known = {key(item): item for item in before}
    present = {key(item): item for item in after}
    yield from ((item, None) for name, item in known.items() if name not in present)
    for name, item in present.items():
        old = known.get(name)
        if old is not item:
            yield old, item


def _users(before: tuple[User, ...], after: tuple[User, ...]) -> Iterator[Change]:
    for old, new in _pairs(before, after, user_key):
        if new is None and old is not None:
            yield from (EndpointRemoved(user=old, endpoint=endpoint) for endpoint in old.endpoints)
            yield UserRemoved(user=old)
        elif old is None and new is not None:
            yield UserAdded(user=new)
            yield from (EndpointAdded(user=new, endpoint=endpoint) for endpoint in new.endpoints)
        elif old is not None and new is not None:
            if old.roles != new.roles:
                yield UserRolesChanged(user=new, before=old.roles)
            yield from _endpoints(old, new)


def _endpoints(before: User, user: User) -> Iterator[Change]:
    for old, new in _pairs(before.endpoints, user.endpoints, endpoint_key):
        if new is None and old is not None:
            yield EndpointRemoved(user=user, endpoint=old)
        elif old is None and new is not None:
            yield EndpointAdded(user=user, endpoint=new)
        elif old is not None and new is not None:
            if old.status != new.status:
                yield EndpointStatusChanged(user=user, endpoint=new, before=old.status)
            yield from _media(user, old, new)


def _media(user: User, before: Endpoint, endpoint: Endpoint) -> Iterator[Change]:
    for old, new in _pairs(before.media, endpoint.media, media_key):
        if new is None and old is not None:
            yield MediaRemoved(user=user, endpoint=endpoint, media=old)
        elif old is None and new is not None:
            yield MediaAdded(user=user, endpoint=endpoint, media=new)
        elif old is not None and new is not None:
            if old.status != new.status:
                yield MediaStatusChanged(user=user, endpoint=endpoint, media=new, before=old.status)
            if (old.ingress_filter, old.egress_filter) != (new.ingress_filter, new.egress_filter):
                yield MediaFiltersChanged(user=user, endpoint=endpoint, media=new, before=old)


def _views(before: tuple[EntityView, ...], after: tuple[EntityView, ...]) -> Iterator[Change]:
    for old, new in _pairs(before, after, view_key):
        if new is None and old is not None:
            yield ViewRemoved(view=old)
        elif old is None and new is not None:
            yield ViewAdded(view=new)
        elif old is not None and new is not None:
            yield from _view(old, new)


def _view(old: EntityView, new: EntityView) -> Iterator[Change]:
    if _locked(old) != _locked(new):
        yield ViewLockedChanged(view=new, locked=_locked(new))
    if _filters(old) != _filters(new):
        yield ViewFiltersChanged(view=new)
    if _video(old) != _video(new):
        yield ViewVideoModeChanged(view=new)


def _locked(view: EntityView) -> bool | None:
    return view.entity_state.locked if view.entity_state else None


def _filters(view: EntityView) -> tuple[MediaFiltersRules | None, ...]:
    state = view.entity_state
    return (state.media_filters_rules, *state.conf_media_filters_rules) if state else (None,)


def _video(view: EntityView) -> list[object]:
    entries: tuple[MediaEntry, ...] = view.entity_state.media if view.entity_state else ()
    return [entry.modal_parameters for entry in entries if entry.modal_parameters]
