"""The main flow: a presenter has a legacy phone called (docs/wire-flow.rst)."""

from __future__ import annotations

from dialling import PHONE, dial, infos_to, outcomes
from focus_site import FACTORY_URL, Site

from c3p import (
    AddUser,
    Code,
    Reply,
)
from c3p import Request as C3PRequest
from focus import (
    CommandFailed,
    FailureReason,
)


def test_a_legacy_phone_is_added_and_everybody_is_told() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, (bob,) = site.meeting("bob")
    command = dial(site, alice)
    assert outcomes(alice, command) == ["CommandAccepted"]

    for status in ("dialing-out", "alerting", "connected"):
        mcu.call(PHONE, status)
        assert (alice.status(PHONE), bob.status(PHONE)) == (status, status)
    mcu.result(PHONE)

    assert outcomes(alice, command) == ["CommandAccepted", "CommandSucceeded"]
    user = bob.user(PHONE)
    assert user is not None
    assert user.roles == ("attendee",)
    assert user.endpoints[0].joining_method == "dialed-out"
    assert user.endpoints[0].media[0].label == "main-audio"


def test_the_202_comes_before_any_work_on_an_mcu() -> None:
    site = Site()
    site.net.services[FACTORY_URL] = lambda request: None
    _, alice, _ = site.meeting()
    command = dial(site, alice)
    assert outcomes(alice, command) == ["CommandAccepted"]
    assert [one.url for one in site.net.exchanges] == [FACTORY_URL]


def test_the_mcu_is_told_who_asked_and_as_what() -> None:
    site = Site()
    mcu = site.mcu()
    conference, alice, _ = site.meeting()
    dial(site, alice, display_name="Bob's desk", endpoint_uri="tel:+15551234", role="presenter")
    request = mcu.commands(AddUser)[0]
    assert (request.from_, request.to, request.originator, request.originator_role) == (
        conference,
        mcu.uri,
        "sip:alice@example.com",
        "presenter",
    )
    assert isinstance(request.command, AddUser)
    user = request.command.user
    assert (user.entity, user.display_text, user.roles) == (PHONE, "Bob's desk", ("presenter",))
    assert user.endpoints[0].endpoint_uri == "tel:+15551234"
    assert user.endpoints[0].joining_method == "dialed-out"
    assert (user.endpoints[0].auth_method, user.endpoints[0].access_method) == ("anonymous", "external")
    assert [media.label for media in user.endpoints[0].media] == ["main-audio"]


def test_a_role_that_was_asked_for_shows_in_the_roster() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    dial(site, alice, role="presenter")
    mcu.call(PHONE, "dialing-out")
    user = alice.user(PHONE)
    assert user is not None
    assert user.roles == ("presenter",)


def test_the_result_may_overtake_the_last_roster_change() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    command = dial(site, alice)
    mcu.call(PHONE, "dialing-out")
    mcu.result(PHONE)
    assert outcomes(alice, command)[-1] == "CommandSucceeded"
    mcu.call(PHONE, "connected")
    assert alice.status(PHONE) == "connected"


def test_the_client_is_told_pending_again_when_the_phone_rings() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    dial(site, alice)
    assert infos_to(site, alice) == []
    mcu.result(PHONE, Code.PENDING)
    mcu.result(PHONE, Code.SUCCESS)
    assert [one.code for one in infos_to(site, alice)] == [Code.PENDING, Code.SUCCESS]
    assert {one.request_id for one in infos_to(site, alice)} == {"2"}


def test_the_answer_of_the_http_exchange_can_be_final_at_once() -> None:
    site = Site()
    mcu = site.mcu()
    mcu.answers[AddUser] = lambda request: Reply(200, request.respond(Code.SUCCESS))
    _, alice, _ = site.meeting()
    assert outcomes(alice, dial(site, alice)) == ["CommandAccepted", "CommandSucceeded"]


def test_a_202_of_the_mcu_is_followed_by_the_callback() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    kept: list[C3PRequest] = []

    def take(request: C3PRequest) -> Reply:
        kept.append(request)
        return Reply(202)

    mcu.answers[AddUser] = take
    command = dial(site, alice)
    assert mcu.post(kept[0].respond(Code.SUCCESS)) == Reply(200)
    assert outcomes(alice, command) == ["CommandAccepted", "CommandSucceeded"]


def test_what_the_mcu_says_about_the_far_end_reaches_the_presenter() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    dial(site, alice)
    mcu.result(PHONE, Code.FAILURE, "timeout", "dialOutTimeout")
    failed = alice.node.last(CommandFailed)
    assert failed.response is not None
    assert (failed.reason, failed.response.reason, failed.response.command_reason) == (
        FailureReason.FAILURE,
        "timeout",
        "dialOutTimeout",
    )
    assert failed.text == "dialOutTimeout"
