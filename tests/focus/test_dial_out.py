"""The main flow and its branches: conferencing-flows 4.1 to 4.3, as far as the Focus sees them."""

from __future__ import annotations

import attrs
import pytest
from focus_site import FACTORY_URL, FakeMcu, Phone, Site

from c3p import (
    AddConference,
    AddUser,
    Code,
    ConferenceInfo,
    DeleteUser,
    ExchangeFailure,
    Reply,
    Response,
    parse_document,
)
from c3p import Request as C3PRequest
from focus import (
    CommandAccepted,
    CommandFailed,
    CommandFinished,
    CommandId,
    CommandSucceeded,
    FailureReason,
    FocusConfig,
    Left,
    McuAssigned,
    McuLost,
)
from sip import Request

PHONE = "sip:phone@example.org"


def dial(site: Site, phone: Phone, user: str = PHONE, **more: object) -> CommandId:
    command = phone.client.add_user(user, now=site.net.now, **more)  # type: ignore[arg-type]
    site.net.run()
    return command


def outcomes(phone: Phone, command: CommandId) -> list[str]:
    """The events of one command, in order."""
    return [type(one).__name__ for one in phone.node.events if getattr(one, "command", None) == command]


def infos_to(site: Site, phone: Phone) -> list[Response]:
    """The C3P responses that the Focus sent in INFO requests to one client."""
    found = []
    for message in site.net.sent("focus"):
        if isinstance(message, Request) and message.method == "INFO" and phone.client.config.aor in str(message.to.uri):
            document = parse_document(message.body)
            assert isinstance(document, Response)
            found.append(document)
    return found


# 4.1 -----------------------------------------------------------------------------------------------------------------


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


# 4.2 -----------------------------------------------------------------------------------------------------------------


def test_the_mcu_is_bootstrapped_once_for_commands_that_come_together() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    alice.client.add_user("sip:one@example.org", now=site.net.now)
    alice.client.add_user("sip:two@example.org", now=site.net.now)
    site.net.run()
    assert len(site.mcu_factory.requests) == 1
    assert [type(one.command) for one in mcu.requests] == [AddConference, AddUser, AddUser]
    bootstrap = mcu.requests[0].command
    assert isinstance(bootstrap, AddConference)
    assert bootstrap.callback_uri == site.focus.config.callback_url
    assert bootstrap.conference_info is not None
    assert bootstrap.conference_info.description is not None
    assert site.node.last(McuAssigned).mcu_id == "av1"


def test_the_view_of_the_mcu_appears_when_it_is_ready() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    dial(site, alice)
    view = alice.roster.conference_view
    assert view is not None
    assert [one.entity for one in view.views] == [mcu.conference, mcu.uri]


def test_one_exchange_at_a_time_goes_to_an_mcu() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    dial(site, alice, "sip:one@example.org")
    mcu.answers[AddUser] = lambda request: None
    dial(site, alice, "sip:two@example.org")
    dial(site, alice, "sip:three@example.org")
    assert len(mcu.commands(AddUser)) == 2
    site.net.fail_held(ExchangeFailure.UNUSABLE)
    assert len(mcu.commands(AddUser)) == 3


def test_an_mcu_that_refuses_is_excluded_and_the_next_is_tried() -> None:
    site = Site()
    first, second = site.mcu("av1"), site.mcu("av2")
    first.answers[AddConference] = lambda request: Reply(200, request.respond(Code.FAILURE, reason="serverBusy"))
    _, alice, _ = site.meeting()
    command = dial(site, alice)
    assert [one.command.exclude for one in site.mcu_factory.requests] == [(), ("av1",)]  # type: ignore[attr-defined]
    second.answer_call(PHONE)
    assert outcomes(alice, command) == ["CommandAccepted", "CommandSucceeded"]


def test_after_three_mcus_the_waiting_commands_fail_and_the_failure_is_kept_ten_seconds() -> None:
    site = Site()
    for name in ("av1", "av2", "av3", "av4"):
        site.mcu(name).answers[AddConference] = lambda request: ExchangeFailure.TIMEOUT
    _, alice, _ = site.meeting()
    dial(site, alice)
    failed = alice.node.last(CommandFailed)
    assert failed.response is not None
    assert failed.response.reason == "timeout"
    assert failed.response.command_reason == "dialOutFailed"
    assert len(site.mcu_factory.requests) == 3

    dial(site, alice)
    assert len(site.mcu_factory.requests) == 3
    again = alice.node.last(CommandFailed)
    assert again.response is not None
    assert again.response.retry_after == 10
    site.net.pass_time(10.0)
    dial(site, alice)
    assert len(site.mcu_factory.requests) == 6
    assert [one.command.exclude for one in site.mcu_factory.requests][3] == ()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (ExchangeFailure.CONNECT, "serverBusy"),
        (ExchangeFailure.TIMEOUT, "timeout"),
        (ExchangeFailure.UNUSABLE, "serverBusy"),
        (Reply(503, retry_after=7), "serverBusy"),
        (Reply(403), "otherFailure"),
    ],
)
def test_without_an_mcu_factory_the_command_fails_by_info(outcome: Reply | ExchangeFailure, reason: str) -> None:
    site = Site()
    site.net.services[FACTORY_URL] = lambda request: outcome
    _, alice, _ = site.meeting()
    command = dial(site, alice)
    assert outcomes(alice, command) == ["CommandAccepted", "CommandFailed"]
    failed = alice.node.last(CommandFailed)
    assert failed.response is not None
    assert failed.response.reason == reason


def test_a_focus_without_mcu_factory_says_so() -> None:
    site = Site(mcu_factory_url=None)
    _, alice, _ = site.meeting()
    dial(site, alice)
    failed = alice.node.last(CommandFailed)
    assert failed.response is not None
    assert failed.response.reason == "serverBusy"


# 4.3 -----------------------------------------------------------------------------------------------------------------


def test_step_2_a_request_that_is_not_allowed_gets_a_sip_error_and_no_info() -> None:
    site = Site()
    mcu = site.mcu()
    _, _, (bob,) = site.meeting("bob")
    dial(site, bob)
    failed = bob.node.last(CommandFailed)
    assert (failed.reason, failed.status) == (FailureReason.REFUSED, 403)
    assert failed.diagnostics is not None
    assert failed.diagnostics.error_id == 3015
    assert mcu.requests == []
    assert infos_to(site, bob) == []


def test_step_2_a_second_endpoint_of_somebody_who_is_there_is_left_to_the_mcu() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    dial(site, alice)
    mcu.answer_call(PHONE)
    dial(site, alice)
    assert len(mcu.commands(AddUser)) == 2


def test_step_5_a_connection_that_fails_starts_the_failure_procedure() -> None:
    site = Site()
    first = site.mcu("av1")
    site.mcu("av2")
    _, alice, _ = site.meeting()
    first.answers[AddUser] = lambda request: ExchangeFailure.CONNECT
    command = dial(site, alice)
    assert outcomes(alice, command) == ["CommandAccepted", "CommandFailed"]
    failed = alice.node.last(CommandFailed)
    assert failed.response is not None
    assert failed.response.reason == "timeout"
    assert site.node.last(McuLost).mcu_id == "av1"
    assert site.node.last(McuAssigned).mcu_id == "av2"


def test_step_5_one_time_out_fails_the_command_alone() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    mcu.answers[AddUser] = lambda request: ExchangeFailure.TIMEOUT
    command = dial(site, alice)
    assert outcomes(alice, command)[-1] == "CommandFailed"
    assert site.node.of(McuLost) == []
    del mcu.answers[AddUser]
    assert outcomes(alice, dial(site, alice)) == ["CommandAccepted"]


def test_step_5_two_time_outs_in_a_row_fail_the_mcu() -> None:
    site = Site()
    mcu = site.mcu("av1")
    site.mcu("av2")
    _, alice, _ = site.meeting()
    mcu.answers[AddUser] = lambda request: ExchangeFailure.TIMEOUT
    dial(site, alice)
    dial(site, alice)
    assert site.node.last(McuLost).reason == "time-outs in a row"


def test_step_6_an_mcu_that_fails_the_command_at_once_leaves_no_trace_in_the_roster() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    mcu.answers[AddUser] = lambda request: Reply(200, request.respond(Code.FAILURE, reason="serverBusy"))
    command = dial(site, alice)
    assert outcomes(alice, command)[-1] == "CommandFailed"
    assert alice.user(PHONE) is None


@pytest.mark.parametrize(
    ("method", "reason", "specific"),
    [
        ("busy", "otherFailure", "dialOutBusy"),
        ("failed", "timeout", "dialOutTimeout"),
        ("failed", "otherFailure", "dialOutDeclined"),
        ("failed", "otherFailure", "dialOutMedia"),
    ],
)
def test_step_9_a_call_that_fails_shows_why_and_goes(method: str, reason: str, specific: str) -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, (bob,) = site.meeting("bob")
    command = dial(site, alice)
    mcu.call(PHONE, "dialing-out")
    mcu.call(PHONE, "disconnected", disconnection_method=method)
    for one in (alice, bob):
        user = one.user(PHONE)
        assert user is not None
        assert user.endpoints[0].disconnection_method == method
    mcu.hang_up(PHONE)
    assert (alice.user(PHONE), bob.user(PHONE)) == (None, None)
    mcu.result(PHONE, Code.FAILURE, reason, specific)
    failed = alice.node.last(CommandFailed)
    assert failed.command == command
    assert failed.response is not None
    assert (failed.response.reason, failed.response.command_reason) == (reason, specific)
    assert site.node.last(CommandFinished).specific_reason == specific


def test_ejecting_while_it_rings_is_passed_to_the_mcu_and_cancels_the_dial_out() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    command = dial(site, alice)
    mcu.call(PHONE, "dialing-out")
    ejection = alice.client.delete_user(PHONE, now=site.net.now)
    site.net.run()
    assert [one.command.user_keys.user_entity for one in mcu.commands(DeleteUser)] == [PHONE]  # type: ignore[attr-defined]
    mcu.boot(PHONE)
    mcu.result(PHONE, Code.FAILURE, "requestCancelled")
    assert outcomes(alice, command)[-1] == "CommandFailed"
    assert outcomes(alice, ejection)[-1] == "CommandSucceeded"
    assert alice.user(PHONE) is None


def test_ejecting_somebody_whose_mcu_is_not_ready_cancels_the_dial_out_here() -> None:
    site = Site()
    site.net.services[FACTORY_URL] = lambda request: None
    _, alice, _ = site.meeting()
    command = dial(site, alice)
    ejection = alice.client.delete_user(PHONE, now=site.net.now)
    site.net.run()
    failed = alice.node.last(CommandFailed)
    assert failed.command == command
    assert failed.response is not None
    assert failed.response.reason == "requestCancelled"
    assert outcomes(alice, ejection)[-1] == "CommandSucceeded"


def test_ejecting_before_the_mcu_reported_the_call_reaches_the_mcu_all_the_same() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    dial(site, alice)
    alice.client.delete_user(PHONE, now=site.net.now)
    site.net.run()
    assert len(mcu.commands(DeleteUser)) == 1


def test_when_the_presenter_leaves_the_call_goes_on_and_only_the_result_is_dropped() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, (bob,) = site.meeting("bob")
    dial(site, alice)
    mcu.call(PHONE, "alerting")
    alice.client.leave(now=site.net.now)
    site.net.run()
    assert alice.node.of(Left)
    mcu.call(PHONE, "connected")
    mcu.result(PHONE)
    assert bob.status(PHONE) == "connected"
    finished = site.node.last(CommandFinished)
    assert (finished.succeeded, finished.delivered) == (True, False)


def test_a_call_under_way_keeps_the_conference_alive_when_everybody_left() -> None:
    site = Site()
    mcu = site.mcu()
    conference, alice, _ = site.meeting()
    dial(site, alice)
    mcu.call(PHONE, "alerting")
    alice.client.leave(now=site.net.now)
    site.net.run()
    assert site.focus.conferences == (conference,)


def test_when_the_conference_ends_what_is_open_was_cancelled() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    command = dial(site, alice)
    mcu.call(PHONE, "alerting")
    ending = alice.client.end_conference(now=site.net.now)
    site.net.run()
    assert outcomes(alice, command)[-1] == "CommandFailed"
    assert outcomes(alice, ending)[-1] == "CommandSucceeded"
    failed = alice.node.of(CommandFailed)[-1]
    assert failed.response is not None
    assert failed.response.reason == "requestCancelled"


def test_a_phone_that_hangs_up_goes_from_every_roster() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, (bob,) = site.meeting("bob")
    dial(site, alice)
    mcu.answer_call(PHONE)
    mcu.call(PHONE, "disconnected", disconnection_method="departed")
    mcu.hang_up(PHONE)
    assert (alice.user(PHONE), bob.user(PHONE)) == (None, None)


def test_the_focus_waits_180_seconds_again_after_each_pending() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    command = dial(site, alice)
    site.net.pass_time(170.0)
    mcu.result(PHONE, Code.PENDING)
    site.net.pass_time(170.0)
    assert outcomes(alice, command)[-1] == "CommandAccepted"
    site.net.pass_time(11.0)
    assert outcomes(alice, command)[-1] == "CommandFailed"
    finished = site.node.last(CommandFinished)
    assert (finished.succeeded, finished.reason, finished.specific_reason) == (False, "timeout", "dialOutFailed")


def test_a_success_after_the_time_out_shows_in_the_roster_only() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    command = dial(site, alice)
    site.net.pass_time(181.0)
    events = outcomes(alice, command)
    mcu.answer_call(PHONE)
    assert outcomes(alice, command) == events
    assert alice.status(PHONE) == "connected"


def test_the_same_request_id_is_answered_again_and_not_carried_out_again() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    dial(site, alice)
    request = [one for one in site.net.sent("alice") if isinstance(one, Request) and one.method == "INFO"][-1]
    session = alice.client._session
    assert session is not None

    def repeat() -> tuple[int, bytes]:
        alice.node.endpoint.request_in_session(
            session, "INFO", body=request.body, content_type="application/cccp+xml", now=site.net.now
        )
        site.net.run()
        answer = [one for one in site.net.sent("focus") if not isinstance(one, Request)][-1]
        return answer.status, answer.body

    assert repeat() == (202, b"")
    mcu.result(PHONE)
    status, body = repeat()
    document = parse_document(body)
    assert isinstance(document, Response)
    assert (status, document.code) == (200, Code.SUCCESS)
    assert len(mcu.commands(AddUser)) == 1


def test_commands_beyond_the_limit_are_refused_with_503() -> None:
    site = Site(max_commands_per_participant=1)
    site.mcu()
    _, alice, _ = site.meeting()
    dial(site, alice)
    dial(site, alice, "sip:other@example.org")
    failed = alice.node.last(CommandFailed)
    assert (failed.reason, failed.status) == (FailureReason.REFUSED, 503)


def test_commands_beyond_the_queue_of_an_mcu_fail_as_busy() -> None:
    site = Site(max_queued_per_mcu=1)
    site.net.services[FACTORY_URL] = lambda request: None
    _, alice, _ = site.meeting()
    dial(site, alice)
    dial(site, alice, "sip:other@example.org")
    failed = alice.node.last(CommandFailed)
    assert failed.response is not None
    assert failed.response.reason == "serverBusy"


def test_a_second_subscriber_sees_the_same_under_numbers_of_its_own() -> None:
    site = Site()
    mcu = site.mcu()
    conference, alice, _ = site.meeting()
    dial(site, alice)
    mcu.answer_call(PHONE)
    bob = site.joined(site.client("bob"), conference)
    mcu.call(PHONE, "on-hold")
    assert whole(alice) == whole(bob)
    assert (alice.roster.version, bob.roster.version) != (None, None)
    assert alice.roster.version != bob.roster.version
    sent = [one for one in site.net.sent("focus") if isinstance(one, Request) and one.method == "BENOTIFY"]
    last = {str(one.to.uri): one for one in sent[-2:]}
    numbered = {body: parse_document(last[body].body) for body in last}
    assert len({bytes(attrs.evolve(one, version=0)) for one in numbered.values()}) == 1  # type: ignore[type-var]


def whole(phone: Phone) -> ConferenceInfo:
    return attrs.evolve(phone.roster, version=None)


def test_settings_have_the_numbers_of_the_protocol_pages() -> None:
    config = FocusConfig()
    assert (config.command_timeout, config.http_timeout, config.bootstrap_attempts) == (180.0, 30.0, 3)


def test_a_late_answer_to_an_exchange_that_nobody_waits_for_is_dropped() -> None:
    site = Site()
    site.mcu()
    site.meeting()
    assert site.focus.receive_reply(4711, Reply(200), now=site.net.now) == []
    assert site.focus.exchange_failed(4711, ExchangeFailure.TIMEOUT, now=site.net.now) == []


def test_accepted_is_reported_once_for_the_202() -> None:
    site = Site()
    site.mcu()
    _, alice, _ = site.meeting()
    dial(site, alice)
    assert len(alice.node.of(CommandAccepted)) == 1
    assert alice.node.of(CommandSucceeded) == []


def test_an_mcu_that_answers_something_else_fails_the_command() -> None:
    site = Site()
    mcu: FakeMcu = site.mcu()
    _, alice, _ = site.meeting()
    mcu.answers[AddUser] = lambda request: Reply(200, attrs.evolve(request.respond(Code.SUCCESS), request_id="999999"))
    command = dial(site, alice)
    assert outcomes(alice, command)[-1] == "CommandFailed"
