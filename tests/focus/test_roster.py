"""The roster: changes become documents that bring a subscriber to the same state."""

from __future__ import annotations

import attrs

from c3p import ConferenceDescription, ConferenceInfo, Endpoint, EntityState, EntityView, User
from focus.roster import Changes, Roster
from focus.roster_document import lobby_document, partial_document, whole_document
from sip import AddressOfRecord, ConferenceAddress

FOCUS = "sip:alice@example.com;gruu;opaque=app:conf:focus:id:ABCDEF0123"
ALICE, BOB = AddressOfRecord.read("sip:alice@example.com"), AddressOfRecord.read("sip:bob@example.com")


def roster() -> Roster:
    return Roster(address=ConferenceAddress.read(FOCUS), description=ConferenceDescription(subject="Budget"))


def focus_endpoint(entity: str = "{A}", **fields: object) -> Endpoint:
    return attrs.evolve(Endpoint(entity=entity, session_type="focus", status="connected"), **fields)


def users(info: ConferenceInfo) -> list[User]:
    assert info.users is not None
    return list(info.users.users)


def changed(one: Roster) -> Changes:
    changes = one.take_changes()
    assert changes is not None
    return changes


def test_nothing_changed_means_no_document_and_no_version() -> None:
    one = roster()
    assert one.take_changes() is None
    one.set_endpoint(ALICE, focus_endpoint(), role="presenter")
    changed(one)
    one.set_endpoint(ALICE, focus_endpoint(), role="presenter")
    one.set_role(ALICE, "presenter")
    one.remove_endpoint(BOB, "{B}")
    one.remove_view(ConferenceAddress.read("sip:nothing@example.com"))
    one.remove_user(BOB)
    one.set_description(one.description)
    assert one.take_changes() is None
    assert one.version == 1


def test_a_changed_user_is_sent_whole_and_others_not_at_all() -> None:
    one = roster()
    one.set_endpoint(ALICE, focus_endpoint(), role="presenter")
    one.set_endpoint(BOB, focus_endpoint("{B}"), role="attendee")
    changed(one)
    one.set_endpoint(BOB, focus_endpoint("{C}", session_type="audio-video"), role="presenter")
    info = partial_document(one, changed(one))
    (user,) = users(info)
    assert (info.state, info.users.state if info.users else None) == ("partial", "partial")
    assert (user.entity, user.state, user.roles) == (BOB.text, "full", ("attendee",))
    assert [endpoint.entity for endpoint in user.endpoints] == ["{B}", "{C}"]
    assert info.users is not None
    assert info.users.participant_count == 2
    assert (info.description, info.conference_view) == (None, None)


def test_a_user_goes_with_the_last_endpoint() -> None:
    one = roster()
    one.set_endpoint(ALICE, focus_endpoint(), role="presenter")
    one.set_endpoint(ALICE, focus_endpoint("{B}"), role="presenter")
    changed(one)
    one.remove_endpoint(ALICE, "a")
    assert [user.state for user in users(partial_document(one, changed(one)))] == ["full"]
    one.remove_endpoint(ALICE, "{b}")
    assert [(user.entity, user.state) for user in users(partial_document(one, changed(one)))] == [
        (ALICE.text, "deleted")
    ]
    assert one.find(ALICE) is None


def test_a_user_who_goes_and_comes_back_at_once_is_deleted_first() -> None:
    one = roster()
    one.set_endpoint(ALICE, focus_endpoint(), role="presenter")
    changed(one)
    one.remove_user(ALICE)
    one.set_endpoint(ALICE, focus_endpoint("{B}"), role="attendee")
    assert [user.state for user in users(partial_document(one, changed(one)))] == ["deleted", "full"]


def test_spelling_does_not_make_a_second_user_or_endpoint() -> None:
    one = roster()
    one.set_endpoint(ALICE, focus_endpoint("{AbC}"), role="presenter")
    one.set_endpoint(
        AddressOfRecord.read("sip:ALICE@Example.com"), focus_endpoint("aBc", status="on-hold"), role="attendee"
    )
    (user,) = users(whole_document(one))
    assert (user.entity, user.roles) == (ALICE.text, ("presenter",))
    assert [(each.entity, each.status) for each in user.endpoints] == [("{AbC}", "on-hold")]
    assert one.find_endpoint(AddressOfRecord.read("SIP:alice@EXAMPLE.com"), "ABC") is not None
    assert one.find_endpoint(BOB, "ABC") is None


def test_a_name_is_taken_when_there_was_none() -> None:
    one = roster()
    one.set_endpoint(ALICE, focus_endpoint(), role="presenter")
    one.set_endpoint(ALICE, focus_endpoint("{B}"), role="presenter", display_text="Alice")
    one.set_endpoint(ALICE, focus_endpoint("{C}"), role="presenter", display_text="Somebody else")
    assert users(whole_document(one))[0].display_text == "Alice"


def test_views_come_and_go() -> None:
    one = roster()
    mcu = FOCUS.replace(":focus:", ":audio-video:")
    one.set_view(ConferenceAddress.read(mcu), EntityView(entity=mcu, entity_state=EntityState(locked=False)))
    view = partial_document(one, changed(one)).conference_view
    assert view is not None
    assert [each.entity for each in view.views] == [mcu]
    shouted = mcu.upper().replace("SIP:", "sip:").replace("APP", "app").replace("OPAQUE", "opaque")
    one.remove_view(ConferenceAddress.read(shouted))
    view = partial_document(one, changed(one)).conference_view
    assert view is not None
    assert [(each.entity, each.state) for each in view.views] == [(mcu, "deleted")]


def test_the_lobby_sees_itself_and_the_conference() -> None:
    one = roster()
    one.set_endpoint(ALICE, focus_endpoint(), role="presenter")
    one.set_endpoint(BOB, focus_endpoint("{B}", status="on-hold"), role="attendee")
    changes = changed(one)
    assert [user.entity for user in users(lobby_document(one, BOB.key))] == [BOB.text]
    assert lobby_document(one, "nobody@example.com").users is not None
    own = changes.only(BOB.key)
    assert own is not None
    assert own.users == (BOB.key,)
    assert changes.only("nobody@example.com") is None
    found = one.find(BOB)
    assert found is not None
    assert found.in_lobby
