"""The branches of a dial-out (docs/wire-flow.rst), as far as the Focus sees them."""

from __future__ import annotations

import attrs
import pytest
from dialling import PHONE, dial, infos_to, outcomes
from focus_site import FACTORY_URL, FakeMcu, Phone, Site

from c3p import (
    AddUser,
    Code,
    ConferenceInfo,
    DeleteUser,
    ExchangeFailure,
    GetConference,
    Reply,
    Response,
    parse_document,
)
from focus import (
    CommandAccepted,
    CommandFailed,
    CommandFinished,
    CommandSucceeded,
    FailureReason,
    FocusConfig,
    Left,
    McuAssigned,
    McuLost,
    McuSilent,
)
from sip import Request


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


@pytest.mark.parametrize("comes_back", [False, True])
def test_an_mcu_that_falls_silent_is_told_of_with_how_many_are_shown_on_it(comes_back: bool) -> None:
    """A host that is gone answers nothing, and who was on it is shown until it is given up."""
    site = Site()
    mcu = site.mcu("av1")
    _, alice, _ = site.meeting()
    dial(site, alice)
    mcu.answer_call(PHONE)

    def silent(request: object) -> ExchangeFailure:
        if comes_back:
            del mcu.answers[GetConference]
        return ExchangeFailure.TIMEOUT

    mcu.answers[GetConference] = silent
    site.net.run(FocusConfig().mcu_silence + 5.0)
    told = [
        (type(each), each.mcu_id, each.participants)
        for each in site.node.events
        if isinstance(each, McuSilent | McuLost)
    ]
    assert told == [(McuSilent, "av1", 1)] + ([] if comes_back else [(McuLost, "av1", 1)])


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
    site.net.run(170.0)
    mcu.result(PHONE, Code.PENDING)
    site.net.run(170.0)
    assert outcomes(alice, command)[-1] == "CommandAccepted"
    site.net.run(11.0)
    assert outcomes(alice, command)[-1] == "CommandFailed"
    finished = site.node.last(CommandFinished)
    assert (finished.succeeded, finished.reason, finished.specific_reason) == (False, "timeout", "dialOutFailed")


def test_a_success_after_the_time_out_shows_in_the_roster_only() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    command = dial(site, alice)
    site.net.run(181.0)
    events = outcomes(alice, command)
    mcu.answer_call(PHONE)
    assert outcomes(alice, command) == events
    assert alice.status(PHONE) == "connected"


def test_the_same_request_id_is_answered_again_and_not_carried_out_again() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    dial(site, alice)
    request = [one for one in site.net.messages("alice") if isinstance(one, Request) and one.method == "INFO"][-1]
    session = alice.client._session
    assert session is not None

    def repeat() -> tuple[int, bytes]:
        alice.node.endpoint.request_in_session(
            session, "INFO", body=request.body, content_type="application/cccp+xml", now=site.net.now
        )
        site.net.run()
        answer = [one for one in site.net.messages("focus") if not isinstance(one, Request)][-1]
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
    sent = [one for one in site.net.messages("focus") if isinstance(one, Request) and one.method == "BENOTIFY"]
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


def test_what_the_far_end_said_reaches_the_one_who_had_it_called() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    dial(site, alice)
    said = '0;source="av1";reason="Busy Here";sip-status="486";retry-safe="true";far-end="1003;reason=\'x\'"'
    response = mcu.dialled[PHONE].respond(Code.FAILURE, reason="otherFailure", command_reason="dialOutBusy")
    mcu.post(attrs.evolve(response, diagnostics=said))
    failed = alice.node.last(CommandFailed)
    assert failed.response is not None
    assert (failed.response.command_reason, failed.response.diagnostics) == ("dialOutBusy", said)
    assert (failed.far_status, failed.far_reason, failed.retry_safe) == (486, "Busy Here", True)
    assert failed.status is None
    assert failed.text == "486 Busy Here"


@pytest.mark.parametrize(
    "said", ["", "nonsense", '0;reason="Busy Here";sip-status="200 OK";retry-safe="perhaps"', "0;="]
)
def test_diagnostics_of_an_mcu_that_make_no_sense_cost_nothing_but_themselves(said: str) -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    dial(site, alice)
    response = mcu.dialled[PHONE].respond(Code.FAILURE, reason="otherFailure", command_reason="dialOutBusy")
    mcu.post(attrs.evolve(response, diagnostics=said))
    failed = alice.node.last(CommandFailed)
    assert (failed.far_status, failed.far_reason, failed.retry_safe) == (None, None, None)
    assert failed.text == "dialOutBusy"
