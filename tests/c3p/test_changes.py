"""What happened between two states of a conference."""

from __future__ import annotations

import attrs
from hypothesis import HealthCheck, given, settings

from c3p import (
    Change,
    ConferenceInfo,
    ConferenceView,
    Endpoint,
    EndpointAdded,
    EndpointRemoved,
    EndpointStatusChanged,
    EntityState,
    EntityView,
    Media,
    MediaAdded,
    MediaEntry,
    MediaFiltersChanged,
    MediaFiltersRules,
    MediaRemoved,
    MediaStatusChanged,
    ModalParameters,
    User,
    UserAdded,
    UserRemoved,
    UserRolesChanged,
    Users,
    VideoParameters,
    ViewAdded,
    ViewFiltersChanged,
    ViewLockedChanged,
    ViewRemoved,
    ViewVideoModeChanged,
    changes,
)
from c3p.testing import FOCUS_URI, conference_states

MEDIA = Media(id="1", type="audio", status="sendrecv")
ENDPOINT = Endpoint(entity="{A1}", status="alerting", media=(MEDIA,))
BOB = User(entity="sip:bob@example.com", roles=("attendee",), endpoints=(ENDPOINT,))


def roster(*users: User) -> ConferenceInfo:
    return ConferenceInfo(entity=FOCUS_URI, state="full", users=Users(state="full", users=users))


def views(*states: EntityState | None) -> ConferenceInfo:
    found = tuple(EntityView(entity=f"sip:{number}", entity_state=state) for number, state in enumerate(states))
    return ConferenceInfo(entity=FOCUS_URI, state="full", conference_view=ConferenceView(views=found))


def of_bob(**fields: object) -> list[Change]:
    return changes(roster(BOB), roster(attrs.evolve(BOB, **fields)))  # type: ignore[arg-type]


def of_endpoint(**fields: object) -> list[Change]:
    return of_bob(endpoints=(attrs.evolve(ENDPOINT, **fields),))  # type: ignore[arg-type]


def test_user_comes_and_goes_with_its_endpoints() -> None:
    assert changes(None, roster(BOB)) == [UserAdded(user=BOB), EndpointAdded(user=BOB, endpoint=ENDPOINT)]
    assert changes(roster(BOB), None) == [EndpointRemoved(user=BOB, endpoint=ENDPOINT), UserRemoved(user=BOB)]
    assert changes(None, None) == []


def test_another_spelling_is_the_same_user() -> None:
    assert changes(roster(BOB), roster(attrs.evolve(BOB, entity="sip:Bob@Example.com"))) == []


def test_roles() -> None:
    (change,) = of_bob(roles=("presenter",))
    assert isinstance(change, UserRolesChanged)
    assert (change.before, change.user.roles) == (("attendee",), ("presenter",))


def test_endpoints() -> None:
    (added,) = of_bob(endpoints=(ENDPOINT, Endpoint(entity="{B2}")))
    (removed,) = of_bob(endpoints=())
    (moved,) = of_endpoint(status="connected")
    assert isinstance(added, EndpointAdded)
    assert isinstance(removed, EndpointRemoved)
    assert isinstance(moved, EndpointStatusChanged)
    assert (moved.before, moved.endpoint.status) == ("alerting", "connected")


def test_media() -> None:
    (added,) = of_endpoint(media=(MEDIA, Media(id="2")))
    (removed,) = of_endpoint(media=())
    muted = attrs.evolve(MEDIA, status="recvonly", ingress_filter="block")
    status, filters = of_endpoint(media=(muted,))
    assert of_endpoint(media=(attrs.evolve(MEDIA, display_text="Sound"),)) == []
    (blocked,) = of_endpoint(media=(attrs.evolve(MEDIA, egress_filter="block"),))
    assert isinstance(blocked, MediaFiltersChanged)
    assert isinstance(added, MediaAdded)
    assert isinstance(removed, MediaRemoved)
    assert isinstance(status, MediaStatusChanged)
    assert isinstance(filters, MediaFiltersChanged)
    assert (status.before, filters.before) == ("sendrecv", MEDIA)


def test_views() -> None:
    old = views(EntityState(locked=False))
    (locked,) = changes(old, views(EntityState(locked=True)))
    (filters,) = changes(old, views(EntityState(locked=False, media_filters_rules=MediaFiltersRules(type="audio"))))
    modal = ModalParameters(video_parameters=VideoParameters(video_mode="manual-switched"))
    (mode,) = changes(old, views(EntityState(locked=False, media=(MediaEntry(label="v", modal_parameters=modal),))))
    (added,) = changes(old, views(EntityState(locked=False), None))
    (removed,) = changes(views(EntityState(locked=False), None), old)
    assert isinstance(locked, ViewLockedChanged)
    assert locked.locked is True
    assert isinstance(filters, ViewFiltersChanged)
    assert isinstance(mode, ViewVideoModeChanged)
    assert isinstance(added, ViewAdded)
    assert isinstance(removed, ViewRemoved)
    assert changes(views(None), views(None)) == []


@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(conference_states(), conference_states())
def test_coming_and_going_account_for_the_difference_of_rosters(old: ConferenceInfo, new: ConferenceInfo) -> None:
    def entities(info: ConferenceInfo) -> set[str]:
        return {user.entity for user in info.users.users} if info.users else set()

    found = changes(old, new)
    come = {change.user.entity for change in found if isinstance(change, UserAdded)}
    gone = {change.user.entity for change in found if isinstance(change, UserRemoved)}
    assert (entities(old) | come) - gone == entities(new)
    assert changes(new, new) == []
