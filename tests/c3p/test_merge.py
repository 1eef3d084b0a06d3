"""How documents change what a receiver has, and the inverse (RFC 4575 sections 4.4 and 4.6)."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from c3p import (
    AvCapabilities,
    ConferenceDescription,
    ConferenceInfo,
    ConferenceView,
    Endpoint,
    EntityCapabilities,
    EntityState,
    EntityView,
    Extra,
    HostInfo,
    InitialFilters,
    MalformedDocument,
    Media,
    MediaEntry,
    MediaFiltersRules,
    State,
    UriEntry,
    User,
    Users,
    diff,
    parse_document,
)
from c3p.binding.node import Trimming
from c3p.testing import FOCUS_URI, MCU_URI, conference_infos, conference_states

MODERATE = settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
ALICE, BOB = "sip:alice@example.com", "sip:bob@example.com"
GUID = "{BA5328CC-C663-438C-BA63-F94FA4FF1D37}"


def full(*users: User, **fields: object) -> ConferenceInfo:
    info = ConferenceInfo(entity=FOCUS_URI, state="full", version=1, users=Users(state="full", users=users))
    return attrs.evolve(info, **fields)  # type: ignore[arg-type]


def partial(*users: User, state: str | None = "partial", **fields: object) -> ConferenceInfo:
    info = ConferenceInfo(entity=FOCUS_URI, state="partial", version=2, users=Users(state=state, users=users))
    return attrs.evolve(info, **fields)  # type: ignore[arg-type]


def user(entity: str, *endpoints: Endpoint, **fields: object) -> User:
    return attrs.evolve(User(entity=entity, state="full", endpoints=endpoints), **fields)  # type: ignore[arg-type]


def entities(info: ConferenceInfo) -> list[str]:
    return [user.entity for user in info.users.users] if info.users else []


@MODERATE
@given(conference_infos(), conference_infos())
def test_diff_is_the_inverse_of_apply(old: ConferenceInfo, new: ConferenceInfo) -> None:
    assert old.apply(diff(old, new)) == (
        ConferenceInfo(entity=FOCUS_URI, state="deleted", version=new.version)
        if new.state == "deleted"
        else new.settled()
    )


@MODERATE
@given(conference_states(), conference_states(), st.booleans())
def test_diff_survives_the_wire(old: ConferenceInfo, new: ConferenceInfo, whole: bool) -> None:
    sent = parse_document(bytes(diff(old, new, whole_users=whole)))
    assert isinstance(sent, ConferenceInfo)
    assert old.apply(sent) == new.settled()


@MODERATE
@given(conference_states())
def test_diff_of_the_same_state_changes_nothing(state: ConferenceInfo) -> None:
    change = diff(state, state)
    assert change.state == State.PARTIAL
    assert change.users is None
    assert state.apply(change) == state


@MODERATE
@given(conference_states(), conference_states())
def test_applying_twice_is_applying_once(old: ConferenceInfo, new: ConferenceInfo) -> None:
    change = diff(old, new)
    once = old.apply(change)
    assert once.apply(change) == once


def test_partial_user_merges_endpoints_by_guid_whatever_its_spelling() -> None:
    known = full(user(ALICE, Endpoint(entity=GUID, status="alerting", display_text="Desk")))
    change = partial(
        User(
            entity="sip:Alice@Example.com",
            state="partial",
            endpoints=(Endpoint(entity=GUID.strip("{}").lower(), state="partial", status="connected"),),
        )
    )
    users = known.apply(change).users
    assert users is not None
    (endpoint,) = users.users[0].endpoints
    assert (endpoint.status, endpoint.display_text) == ("connected", "Desk")


def test_users_without_state_in_a_partial_document_are_merged() -> None:
    assert entities(full(user(ALICE)).apply(partial(user(BOB), state=None))) == [ALICE, BOB]


def test_users_without_state_replace_when_strict() -> None:
    assert entities(full(user(ALICE)).apply(partial(user(BOB), state=None), strict=True)) == [BOB]


def test_user_without_state_in_a_partial_document_replaces_that_user() -> None:
    known = full(user(ALICE, display_text="Alice"))
    changed = known.apply(partial(User(entity=ALICE, roles=("presenter",))))
    assert changed == full(user(ALICE, roles=("presenter",)), version=2)


def test_deleted_user_goes_and_an_unknown_partial_one_is_added_full() -> None:
    change = partial(User(entity=ALICE, state="deleted"), User(entity=BOB, state="partial", roles=("attendee",)))
    assert full(user(ALICE)).apply(change) == full(user(BOB, roles=("attendee",)), version=2)


def test_deleted_collection_is_emptied() -> None:
    assert entities(full(user(ALICE)).apply(partial(state="deleted"))) == []


def test_full_collection_in_a_partial_document_replaces_only_that_collection() -> None:
    known = full(user(ALICE), description=ConferenceDescription(subject="Review"))
    changed = known.apply(partial(user(BOB), state="full"))
    assert entities(changed) == [BOB]
    assert changed.description == ConferenceDescription(subject="Review")


def test_deleted_document_leaves_nothing() -> None:
    gone = full(user(ALICE)).apply(ConferenceInfo(entity=FOCUS_URI, state="deleted", version=9))
    assert (gone.state, gone.users) == ("deleted", None)


def test_description_merges_child_by_child_and_its_uris_by_key() -> None:
    chat = UriEntry(uri="sip:chat", purpose="chat")
    known = full(description=ConferenceDescription(subject="Review", conf_uris=(chat,)))
    av = UriEntry(uri=MCU_URI, purpose="audio-video")
    change = ConferenceInfo(
        entity=FOCUS_URI, state="partial", version=2, description=ConferenceDescription(conf_uris=(av,))
    )
    assert known.apply(change).description == ConferenceDescription(subject="Review", conf_uris=(chat, av))


def test_media_merge_by_id_child_by_child() -> None:
    known = full(user(ALICE, Endpoint(entity=GUID, media=(Media(id="1", type="audio", status="sendrecv"),))))
    muted = Media(id="1", status="recvonly", ingress_filter="block")
    change = partial(
        User(entity=ALICE, state="partial", endpoints=(Endpoint(entity=GUID, state="partial", media=(muted,)),))
    )
    merged = Media(id="1", type="audio", status="recvonly", ingress_filter="block")
    assert known.apply(change) == full(user(ALICE, Endpoint(entity=GUID, media=(merged,))), version=2)


def test_removing_a_media_sends_the_endpoint_full() -> None:
    two = (Media(id="1"), Media(id="2"))
    old = full(user(ALICE, Endpoint(entity=GUID, state="full", media=two)))
    new = full(user(ALICE, Endpoint(entity=GUID, state="full", media=two[:1])), version=2)
    change = diff(old, new)
    assert change.users is not None
    (changed,) = change.users.users
    assert (changed.state, changed.endpoints[0].state) == ("partial", "full")


def test_one_status_change_says_nothing_else() -> None:
    old = full(user(ALICE, Endpoint(entity=GUID, state="full", status="alerting")), user(BOB))
    new = full(user(ALICE, Endpoint(entity=GUID, state="full", status="connected")), user(BOB), version=2)
    only = User(
        entity=ALICE,
        state="partial",
        endpoints=(Endpoint(entity=GUID, state="partial", status="connected"),),
    )
    assert diff(old, new) == partial(only)


def test_whole_users_are_sent_full() -> None:
    old = full(user(ALICE, Endpoint(entity=GUID, state="full", status="alerting")), user(BOB))
    new = full(user(ALICE, Endpoint(entity=GUID, state="full", status="connected")), user(BOB), version=2)
    assert diff(old, new, whole_users=True) == partial(new.users.users[0] if new.users else user(""))


def test_removed_user_is_sent_as_deleted() -> None:
    assert diff(full(user(ALICE), user(BOB)), full(user(BOB), version=2)) == partial(
        User(entity=ALICE, state="deleted")
    )


def test_taking_back_the_subject_needs_a_full_document() -> None:
    old = full(description=ConferenceDescription(subject="Review"))
    new = full(description=ConferenceDescription(), version=2)
    assert diff(old, new).state == State.FULL


def test_entity_state_merges_child_by_child_and_rules_as_one_block() -> None:
    rules = MediaFiltersRules(initial_filters=(InitialFilters(role="default", ingress_filter="block"),))
    entry = MediaEntry(label="main-audio", type="audio")
    view = EntityView(entity=MCU_URI, state="full", entity_state=EntityState(locked=False, media=(entry,)))
    old = full(conference_view=ConferenceView(state="full", views=(view,)))
    change = ConferenceInfo(
        entity=FOCUS_URI,
        state="partial",
        version=2,
        conference_view=ConferenceView(
            state="partial",
            views=(EntityView(entity=MCU_URI, state="partial", entity_state=EntityState(media_filters_rules=rules)),),
        ),
    )
    merged = old.apply(change).conference_view
    assert merged is not None
    assert merged.views[0].entity_state == EntityState(locked=False, media_filters_rules=rules, media=(entry,))


@pytest.mark.parametrize("state", ["full", None])
def test_missing_state_of_an_item_equals_full(state: str | None) -> None:
    assert User(entity=ALICE, state=state) == User(entity=ALICE, state="full")


def view_of(state: EntityState | None) -> ConferenceInfo:
    view = EntityView(entity=MCU_URI, state="full", entity_state=state)
    return full(conference_view=ConferenceView(state="full", views=(view,)))


def test_diff_of_a_view_says_only_the_child_that_changed() -> None:
    audio, video = MediaEntry(label="main-audio", status="sendrecv"), MediaEntry(label="main-video")
    old = view_of(EntityState(locked=False, active=True, media=(audio, video)))
    inactive = attrs.evolve(audio, status="inactive")
    new = view_of(EntityState(locked=True, active=True, media=(inactive, video)))
    change = diff(old, new).conference_view
    assert change is not None
    assert change.views[0].entity_state == EntityState(
        locked=True, media=(MediaEntry(label="main-audio", status="inactive"),)
    )
    assert old.apply(diff(old, new)) == new


def test_view_that_loses_a_child_is_sent_full() -> None:
    old, new = view_of(EntityState(locked=False, active=True)), view_of(EntityState(active=True))
    change = diff(old, new)
    assert change.conference_view is not None
    assert (change.state, change.conference_view.views[0].state) == ("partial", "full")
    assert old.apply(change) == new


def test_view_without_entity_state_gets_one() -> None:
    old, new = view_of(None), view_of(EntityState(locked=False))
    assert old.apply(diff(old, new)) == new


def described(*uris: UriEntry, **fields: object) -> ConferenceInfo:
    description = ConferenceDescription(conf_uris=uris, subject="Review")
    host = HostInfo(display_text="Host", uris=uris)
    info = full(description=attrs.evolve(description, **fields), host_info=host)  # type: ignore[arg-type]
    return info.settled()


CHAT = UriEntry(uri="sip:chat@example.com", purpose="chat")
AV = UriEntry(uri=MCU_URI, purpose="audio-video")


def test_new_uri_is_all_that_is_said() -> None:
    old, new = described(CHAT), described(CHAT, AV)
    change = diff(old, new)
    assert change.description == ConferenceDescription(conf_uris=(AV,), conf_uris_state="partial")
    assert change.host_info == HostInfo(uris=(AV,), uris_state="partial")
    assert old.apply(change) == new


@pytest.mark.parametrize("left", [(AV,), ()])
def test_uri_that_goes_makes_the_list_full(left: tuple[UriEntry, ...]) -> None:
    old, new = described(CHAT, AV), described(*left)
    change = diff(old, new)
    assert change.state == "partial"
    assert change.description is not None
    assert change.description.conf_uris_state == ("full" if left else "deleted")
    assert old.apply(change) == new


def test_strict_reads_uris_without_state_as_all_there_are() -> None:
    change = ConferenceInfo(
        entity=FOCUS_URI,
        state="partial",
        version=2,
        description=ConferenceDescription(conf_uris=(AV,)),
        host_info=HostInfo(uris=(AV,)),
    )
    changed = described(CHAT).apply(change, strict=True)
    assert changed.description is not None
    assert changed.description.conf_uris == (AV,)
    assert changed.host_info == HostInfo(display_text="Host", uris=(AV,))


def test_first_description_and_host_are_taken_as_they_stand() -> None:
    new = described(CHAT)
    assert full(users=None).apply(diff(full(users=None), new)) == attrs.evolve(new)
    deleted = ConferenceDescription(conf_uris=(CHAT,), conf_uris_state="deleted")
    assert full(description=deleted).settled().description == ConferenceDescription()


def test_unknown_children_are_replaced_by_name() -> None:
    def user_with(*elements: str) -> ConferenceInfo:
        text = "".join(elements)
        body = f'<users state="full"><user entity="{ALICE}" state="full">{text}</user></users>'
        document = parse_document(
            f'<conference-info entity="{FOCUS_URI}" version="1">{body}</conference-info>'.encode()
        )
        assert isinstance(document, ConferenceInfo)
        return document.settled()

    old, new = user_with('<x a="1"/>', "<y/>"), user_with("<y/>", '<x a="2"/>')
    change = diff(old, new)
    assert change.users is not None
    assert old.apply(change) == new
    same = user_with('<x a="1"/>', "<y/>", "<roles><entry>presenter</entry></roles>")
    said = diff(old, same).users
    assert said is not None
    assert (said.users[0].state, said.users[0].roles, said.users[0].extra) == ("partial", ("presenter",), Extra())


def test_users_that_stand_twice_are_one() -> None:
    twice = full(user(ALICE, display_text="A"), user(ALICE, display_text="B"))
    assert twice.settled() == full(user(ALICE, display_text="B"))
    endpoints = (Endpoint(entity=GUID, state="full"), Endpoint(entity=GUID, state="full", status="connected"))
    assert full(user(ALICE, *endpoints)).settled() == full(user(ALICE, endpoints[1]))


def test_deleted_collections_of_a_whole_document_are_empty() -> None:
    document = full(
        users=Users(state="deleted", users=(user(ALICE),)),
        conference_view=ConferenceView(state="deleted", views=(EntityView(entity=MCU_URI),)),
    )
    assert document.settled() == full(conference_view=ConferenceView())


def with_state(place: str, word: str) -> ConferenceInfo:
    """A change that names a state at one place."""
    endpoint = Endpoint(entity="{A1}", state=word if place == "endpoint" else "partial")
    person = attrs.evolve(user(ALICE, endpoint), state=word if place == "user" else "partial")
    view = EntityView(entity="sip:av", state=word if place == "entity-view" else "partial")
    return ConferenceInfo(
        entity=FOCUS_URI,
        state=word if place == "conference-info" else "partial",
        version=2,
        description=ConferenceDescription(
            conf_uris=(UriEntry(uri="sip:av"),), conf_uris_state=word if place == "conf-uris" else None
        ),
        host_info=HostInfo(uris=(UriEntry(uri="sip:a"),), uris_state=word if place == "uris" else None),
        users=Users(state=word if place == "users" else "partial", users=(person,)),
        conference_view=ConferenceView(state=word if place == "conference-view" else "partial", views=(view,)),
        trusted_entities=Users(state=word if place == "trusted-entities" else "partial"),
    )


PLACES = (
    *("conference-info", "users", "user", "endpoint", "conference-view", "entity-view", "conf-uris", "uris"),
    "trusted-entities",
)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("word", ["Partial", "changed", "", "FULL", "full partial"])
def test_word_that_is_no_state_is_refused_wherever_it_stands(place: str, word: str) -> None:
    change = with_state(place, word)
    known = full(user(ALICE, Endpoint(entity="{A1}", state="full")), user(BOB)).apply(with_state("", ""))
    with pytest.raises(MalformedDocument, match="not a state"):
        known.apply(change)
    with pytest.raises(MalformedDocument, match="not a state"):
        change.settled()
    assert entities(known.apply(with_state("", ""))) == [ALICE, BOB]


def test_items_without_a_key_are_left_out_of_a_full_document() -> None:
    nameless = user("", Endpoint(entity="{A1}", state="full"))
    partly = user(ALICE, Endpoint(entity="", state="full"), Endpoint(entity="{A1}", state="full"))
    settled = full(nameless, partly).settled()
    assert entities(settled) == [ALICE]
    assert settled.users
    assert [one.entity for one in settled.users.users[0].endpoints] == ["{A1}"]
    assert full(user(BOB)).apply(full(nameless, partly)).users == settled.users


@pytest.mark.parametrize("entity", ["", " ", "{}"])
@pytest.mark.parametrize("state", ["full", "partial", "deleted"])
def test_a_change_of_nobody_knows_what_is_refused(state: str, entity: str) -> None:
    nameless = Endpoint(entity=entity, state=state)
    changes = [partial(attrs.evolve(user(ALICE, nameless), state=above)) for above in ("full", "partial")]
    if entity != "{}":
        changes += [partial(user(BOB), attrs.evolve(user(entity), state=state))]
        changes += [
            attrs.evolve(partial(), conference_view=ConferenceView(views=(EntityView(entity=entity, state=state),)))
        ]
        changes += [attrs.evolve(partial(), trusted_entities=Users(users=(attrs.evolve(user(entity), state=state),)))]
    known = full(user(ALICE, Endpoint(entity="{A1}", state="full")))
    for change in changes:
        with pytest.raises(MalformedDocument, match="without its entity"):
            known.apply(change)


def test_trusted_entities_merge_like_users() -> None:
    old = full(trusted_entities=Users(state="full", users=(user(ALICE),)))
    new = full(trusted_entities=Users(state="full", users=(user(ALICE), user(BOB))))
    assert old.apply(diff(old, new)) == new


def test_endpoints_in_another_order_send_the_user_full() -> None:
    one, two = Endpoint(entity="{A1}", state="full"), Endpoint(entity="{B2}", state="full")
    old, new = full(user(ALICE, one, two)), full(user(ALICE, two, one), version=2)
    change = diff(old, new)
    assert change == partial(user(ALICE, two, one))
    assert old.apply(change) == new


def test_conference_that_is_gone_is_sent_as_deleted() -> None:
    gone = ConferenceInfo(entity=FOCUS_URI, state="deleted", version=3)
    assert diff(full(user(ALICE)), gone) == gone


def test_equal_states_have_equal_hashes() -> None:
    assert hash(User(entity=ALICE)) == hash(User(entity=ALICE, state="full"))


def test_deleting_who_is_not_there_changes_nothing() -> None:
    assert full(user(ALICE)).apply(partial(User(entity=BOB, state="deleted"))) == full(user(ALICE), version=2)


def test_who_is_deleted_and_added_again_is_there() -> None:
    change = partial(User(entity=ALICE, state="deleted"), user(ALICE, roles=("presenter",)))
    assert full(user(ALICE)).apply(change) == full(user(ALICE, roles=("presenter",)), version=2)


def test_view_whose_capabilities_change_keeps_its_state() -> None:
    old = view_of(EntityState(locked=False))
    assert old.conference_view is not None
    able = EntityCapabilities(av=AvCapabilities(supports_audio=True))
    view = attrs.evolve(old.conference_view.views[0], capabilities=able)
    new = full(conference_view=ConferenceView(state="full", views=(view,)), version=2)
    change = diff(old, new)
    assert change.conference_view is not None
    assert change.conference_view.views == (EntityView(entity=MCU_URI, state="partial", capabilities=able),)
    assert old.apply(change) == new


def test_a_foreign_attribute_that_changed_alone_takes_its_element_along() -> None:
    plain = ConferenceInfo(entity=FOCUS_URI, host_info=HostInfo(display_text="Room"))
    trimming = Trimming("display_text", 0, (("{urn:example:one}colour", "red"),))
    trimmed = attrs.evolve(plain, host_info=HostInfo(display_text="Room", extra=Extra(trimmings=(trimming,))))
    for old, new in ((plain, trimmed), (trimmed, plain)):
        sent = parse_document(bytes(diff(old.settled(), new)))
        assert isinstance(sent, ConferenceInfo)
        assert old.settled().apply(sent) == new.settled()
