"""An MCU is had when it is first needed (docs/wire-flow.rst)."""

from __future__ import annotations

import pytest
from dialling import PHONE, dial, outcomes
from focus_site import FACTORY_URL, Site

from c3p import (
    AddConference,
    AddUser,
    Code,
    ExchangeFailure,
    Reply,
)
from focus import (
    CommandFailed,
    McuAssigned,
)


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


def test_after_three_mcus_the_waiting_commands_fail_and_the_failure_is_kept_two_seconds() -> None:
    site = Site()
    for name in ("av1", "av2", "av3", "av4"):
        site.mcu(name).answers[AddConference] = lambda request: ExchangeFailure.TIMEOUT
    _, alice, _ = site.meeting()
    dial(site, alice)
    failed = alice.node.last(CommandFailed)
    assert failed.response is not None
    assert failed.response.reason == "timeout"
    assert failed.response.command_reason is None  # nobody was called
    assert failed.text == "No conferencing server is available at the moment"
    assert failed.response.retry_after == 2
    assert len(site.mcu_factory.requests) == 3

    dial(site, alice)
    assert len(site.mcu_factory.requests) == 3
    again = alice.node.last(CommandFailed)
    assert again.response is not None
    assert again.response.retry_after == 2
    site.net.run(2.0)
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
