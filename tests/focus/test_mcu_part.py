"""What one MCU says of a conference: versions, and which users are meant."""

from __future__ import annotations

import attrs
import pytest
from focus_site import Site
from pidgin_peer import CONF

from c3p import (
    Code,
    ConferenceInfo,
    Endpoint,
    EntityView,
    GetConference,
    Notify,
    Reply,
    Request,
    State,
    User,
    Users,
)
from focus import McuLost
from focus.mcus.roster_part import McuPart, Verdict, users_named
from sip import ConferenceAddress

PHONE = "sip:phone@example.org"


def part(version: int | None, state: State = State.FULL) -> ConferenceInfo:
    return ConferenceInfo(entity=CONF, state=state, version=version, users=Users(state=state))


def test_versions_of_an_mcus_part() -> None:
    known = McuPart(ConferenceAddress.read(CONF))
    assert known.receive(part(5, State.PARTIAL)) is Verdict.GAP
    assert known.receive(part(6)) is Verdict.APPLIED
    assert known.receive(part(6)) is Verdict.IGNORED
    assert known.receive(part(6, State.PARTIAL)) is Verdict.IGNORED
    assert known.receive(part(7, State.PARTIAL)) is Verdict.APPLIED
    assert known.receive(part(9, State.PARTIAL)) is Verdict.GAP
    assert known.receive(part(10, State.PARTIAL)) is Verdict.GAP
    assert known.receive(part(3)) is Verdict.RESET
    assert known.receive(part(10)) is Verdict.APPLIED
    assert known.receive(part(11, State.PARTIAL)) is Verdict.APPLIED
    assert known.receive(part(11, State.DELETED)) is Verdict.IGNORED
    assert known.receive(part(4, State.DELETED)) is Verdict.RESET
    assert known.receive(part(12, State.DELETED)) is Verdict.DELETED


BOB = User(entity="sip:bob@example.com", state=State.FULL)


def broken(version: int | None = 2, **changes: object) -> ConferenceInfo:
    return attrs.evolve(part(version, State.PARTIAL), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "document",
    [
        broken(None),
        attrs.evolve(part(None)),
        attrs.evolve(part(None, State.DELETED)),
        broken(state="Partial"),
        broken(state="gone"),
        broken(entity=""),
        broken(entity=CONF.replace("sip:", "sip:x")),
        broken(users=Users(state="Full")),
        broken(users=Users(state="partial", users=(attrs.evolve(BOB, state="Partial"),))),
        broken(
            users=Users(
                state="partial",
                users=(attrs.evolve(BOB, endpoints=(Endpoint(entity="{1}", state="DELETED"),)),),
            )
        ),
        broken(users=Users(state="partial", users=(User(entity="", state="deleted"),))),
        broken(
            users=Users(state="partial", users=(attrs.evolve(BOB, endpoints=(Endpoint(entity="", state="deleted"),)),))
        ),
    ],
    ids=range(12),
)
def test_what_cannot_be_read_changes_nothing_and_the_whole_is_asked_for(document: ConferenceInfo) -> None:
    known = McuPart(ConferenceAddress.read(CONF))
    assert known.receive(attrs.evolve(part(1), users=Users(state="full", users=(BOB,)))) is Verdict.APPLIED
    before = known.info
    assert known.receive(document) is Verdict.GAP
    assert known.info == before
    assert known.receive(part(2, State.PARTIAL)) is Verdict.GAP
    assert known.answered(attrs.evolve(part(1), state=State.PARTIAL)) is Verdict.APPLIED
    assert known.receive(part(2, State.PARTIAL)) is Verdict.APPLIED


def test_the_answer_to_the_bootstrap_needs_no_version_and_never_replaces_what_was_notified() -> None:
    known = McuPart(ConferenceAddress.read(CONF))
    assert known.begin(part(None)) is Verdict.APPLIED
    assert known.receive(part(1, State.PARTIAL)) is Verdict.GAP
    assert known.receive(part(1)) is Verdict.APPLIED
    assert known.begin(part(9)) is Verdict.IGNORED
    assert McuPart(ConferenceAddress.read(CONF)).begin(broken(users=Users(state="Full"))) is Verdict.GAP
    assert (
        McuPart(ConferenceAddress.read(CONF)).begin(attrs.evolve(part(1), entity="sip:other@example.com"))
        is Verdict.GAP
    )


def test_an_mcu_that_cannot_say_its_state_is_asked_twice_and_given_up() -> None:
    for answer in (part(None), attrs.evolve(part(1), entity=""), broken(users=Users(state="Full"))):
        known = McuPart(ConferenceAddress.read(CONF))
        assert [known.answered(answer), known.answered(answer)] == [Verdict.GAP, Verdict.UNREADABLE]
        assert known.info is None


@pytest.mark.parametrize("spelling", ["Partial", "FULL", "gone"])
def test_a_notification_with_an_odd_state_does_not_wipe_the_roster_of_the_clients(spelling: str) -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    mcu.answer_call(PHONE)
    before = alice.roster.users
    mcu.version += 1
    odd = ConferenceInfo(entity=mcu.conference, state=spelling, version=mcu.version, users=Users(state=spelling))
    asked = len(mcu.commands(GetConference))
    mcu.post(Notify(notification_id=1, from_=mcu.uri, to=mcu.conference, conference_info=odd))
    assert alice.roster.users == before
    assert len(mcu.commands(GetConference)) == asked + 1


def test_an_mcu_whose_whole_state_stays_unreadable_is_given_up() -> None:
    site = Site()
    mcu = site.mcu()
    site.meeting()[1].client.add_user(PHONE, now=site.net.now)
    site.net.run()
    mcu.answer_call(PHONE)

    def unreadable(request: Request) -> Reply:
        whole = attrs.evolve(mcu.document(), users=Users(state="Full"))
        return Reply(200, request.respond(Code.SUCCESS, command=GetConference(conference_info=whole)))

    mcu.answers[GetConference] = unreadable
    mcu.version += 1
    mcu.notify(skip=1)
    assert site.node.last(McuLost).reason == "its state cannot be read"


def test_which_users_a_document_is_about() -> None:
    assert users_named(part(1)) is None
    assert users_named(ConferenceInfo(entity=CONF, state=State.PARTIAL)) == []
    replaced = ConferenceInfo(entity=CONF, state=State.PARTIAL, users=Users(state=State.FULL))
    assert users_named(replaced) is None
    named = Users(state=State.PARTIAL, users=(User(entity="sip:Bob@example.com"),))
    assert users_named(ConferenceInfo(entity=CONF, state=State.PARTIAL, users=named)) == ["sip:Bob@example.com"]


def test_a_view_of_something_else_is_not_an_mcus_to_show() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    mcu.version += 1
    whole = mcu.document()
    assert whole.conference_view is not None
    views = (*whole.conference_view.views, EntityView(entity=mcu.conference, state=State.FULL))
    shown = attrs.evolve(whole, conference_view=attrs.evolve(whole.conference_view, views=views))
    mcu.post(Notify(notification_id=1, from_=mcu.uri, to=mcu.conference, conference_info=shown))
    view = alice.roster.conference_view
    assert view is not None
    assert view.views[0].entity_state is not None
