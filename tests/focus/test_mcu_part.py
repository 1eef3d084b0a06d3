"""What one MCU says of a conference: versions, and which users are meant."""

from __future__ import annotations

import attrs
from focus_site import Site
from pidgin_peer import CONF

from c3p import (
    ConferenceInfo,
    EntityView,
    Notify,
    State,
    User,
    Users,
)
from focus.mcu_part import McuPart, Verdict, users_named

PHONE = "sip:phone@example.org"


def part(version: int | None, state: State = State.FULL) -> ConferenceInfo:
    return ConferenceInfo(entity=CONF, state=state, version=version, users=Users(state=state))


def test_versions_of_an_mcus_part() -> None:
    known = McuPart()
    assert known.receive(part(5, State.PARTIAL)) is Verdict.GAP
    assert known.receive(part(6)) is Verdict.APPLIED
    assert known.receive(part(6)) is Verdict.IGNORED
    assert known.receive(part(6, State.PARTIAL)) is Verdict.IGNORED
    assert known.receive(part(7, State.PARTIAL)) is Verdict.APPLIED
    assert known.receive(part(9, State.PARTIAL)) is Verdict.GAP
    assert known.receive(part(10, State.PARTIAL)) is Verdict.GAP
    assert known.receive(part(3)) is Verdict.RESET
    assert known.receive(part(10)) is Verdict.APPLIED
    assert known.receive(part(None, State.PARTIAL)) is Verdict.APPLIED
    assert known.receive(part(11, State.PARTIAL)) is Verdict.APPLIED
    assert known.receive(part(12, State.DELETED)) is Verdict.DELETED


def test_which_users_a_document_is_about() -> None:
    assert users_named(part(1)) is None
    assert users_named(ConferenceInfo(entity=CONF, state=State.PARTIAL)) == []
    replaced = ConferenceInfo(entity=CONF, state=State.PARTIAL, users=Users(state=State.FULL))
    assert users_named(replaced) is None
    named = Users(state=State.PARTIAL, users=(User(entity="sip:Bob@example.com"),))
    assert users_named(ConferenceInfo(entity=CONF, state=State.PARTIAL, users=named)) == ["bob@example.com"]


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
