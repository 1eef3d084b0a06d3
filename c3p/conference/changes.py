"""What happened between two states of a conference (RFC 4575 section 4.6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import attrs

from c3p.conference.info import ConferenceInfo
from c3p.conference.merge import differing, endpoint_key, media_key, user_key, view_key
from c3p.conference.user import Endpoint, Media, User
from c3p.conference.view import EntityView, MediaEntry, MediaFiltersRules

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


def changes(
    old: ConferenceInfo | None,
    new: ConferenceInfo | None,
    *,
    users: tuple[tuple[User, ...], tuple[User, ...]] | None = None,
) -> list[Change]:
    """What happened from ``old`` to ``new``, both whole states; None is a conference that is not there.

    Users first, then views; of each what is gone, what has changed and what is new. Trusted entities are left out.
    ``users`` are those that differ, before and after, where that is known already.
    """
    before = old.users.users if old and old.users else ()
    after = new.users.users if new and new.users else ()
    if users is not None:
        before, after = users
    old_views = old.conference_view.views if old and old.conference_view else ()
    new_views = new.conference_view.views if new and new.conference_view else ()
    return [*_users(before, after), *_views(old_views, new_views)]


def _compare(
    before: tuple[T, ...], after: tuple[T, ...], key: Callable[[T], str]
) -> tuple[list[T], list[tuple[T, T]], list[T]]:
    """What is gone, what is there before and after, what is new; what kept its identity is left out."""
    if before is after:
        return [], [], []
    before, after = differing(before, after)
    if not before and not after:
        return [], [], []
    known = dict(zip(map(key, before), before, strict=True))
    present = dict(zip(map(key, after), after, strict=True))
    stayed: list[tuple[T, T]] = []
    come: list[T] = []
    for name, item in present.items():
        old = known.pop(name, None)
        if old is None:
            come.append(item)
        else:
            stayed.append((old, item))
    return list(known.values()), stayed, come


def _users(before: tuple[User, ...], after: tuple[User, ...]) -> list[Change]:
    found: list[Change] = []
    gone, stayed, come = _compare(before, after, user_key)
    for user in gone:
        found += [EndpointRemoved(user=user, endpoint=endpoint) for endpoint in user.endpoints]
        found.append(UserRemoved(user=user))
    for old, new in stayed:
        if old.roles != new.roles:
            found.append(UserRolesChanged(user=new, before=old.roles))
        found += _endpoints(old, new)
    for user in come:
        found.append(UserAdded(user=user))
        found += [EndpointAdded(user=user, endpoint=endpoint) for endpoint in user.endpoints]
    return found


def _endpoints(before: User, user: User) -> list[Change]:
    gone, stayed, come = _compare(before.endpoints, user.endpoints, endpoint_key)
    found: list[Change] = [EndpointRemoved(user=user, endpoint=endpoint) for endpoint in gone]
    for old, new in stayed:
        if old.status != new.status:
            found.append(EndpointStatusChanged(user=user, endpoint=new, before=old.status))
        found += _media(user, old, new)
    found += [EndpointAdded(user=user, endpoint=endpoint) for endpoint in come]
    return found


def _media(user: User, before: Endpoint, endpoint: Endpoint) -> list[Change]:
    gone, stayed, come = _compare(before.media, endpoint.media, media_key)
    found: list[Change] = [MediaRemoved(user=user, endpoint=endpoint, media=media) for media in gone]
    for old, new in stayed:
        if old.status != new.status:
            found.append(MediaStatusChanged(user=user, endpoint=endpoint, media=new, before=old.status))
        if (old.ingress_filter, old.egress_filter) != (new.ingress_filter, new.egress_filter):
            found.append(MediaFiltersChanged(user=user, endpoint=endpoint, media=new, before=old))
    found += [MediaAdded(user=user, endpoint=endpoint, media=media) for media in come]
    return found


def _views(before: tuple[EntityView, ...], after: tuple[EntityView, ...]) -> list[Change]:
    gone, stayed, come = _compare(before, after, view_key)
    found: list[Change] = [ViewRemoved(view=view) for view in gone]
    for old, new in stayed:
        if _locked(old) != _locked(new):
            found.append(ViewLockedChanged(view=new, locked=_locked(new)))
        if _filters(old) != _filters(new):
            found.append(ViewFiltersChanged(view=new))
        if _video(old) != _video(new):
            found.append(ViewVideoModeChanged(view=new))
    found += [ViewAdded(view=view) for view in come]
    return found


def _locked(view: EntityView) -> bool | None:
    return view.entity_state.locked if view.entity_state else None


def _filters(view: EntityView) -> tuple[MediaFiltersRules | None, ...]:
    state = view.entity_state
    return (state.media_filters_rules, *state.conf_media_filters_rules) if state else (None,)


def _video(view: EntityView) -> list[object]:
    entries: tuple[MediaEntry, ...] = view.entity_state.media if view.entity_state else ()
    return [entry.modal_parameters for entry in entries if entry.modal_parameters]
