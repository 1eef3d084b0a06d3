"""One Focus of several: a conference is claimed before it begins, and again above an MCU that obeys another claim."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest
from dialling import PHONE, dial, outcomes
from focus_site import Phone, Site
from hypothesis import given
from hypothesis import strategies as st

from c3p import AddConference, AddUser, Code, Command, DeleteConference, Reply, Request
from focus import (
    ClaimReleased,
    ClaimWanted,
    CommandFailed,
    ConferenceActivated,
    Joined,
    JoinFailed,
    LocalProtocolError,
    McuAssigned,
)
from sip import Event


@attrs.define
class Claims:
    """The application, as far as it knows whose conferences are."""

    site: Site
    wanted: list[ClaimWanted] = attrs.Factory(list)
    answer: Callable[[ClaimWanted], int | str | None] = lambda wanted: wanted.above + 1  #: epoch, node, or nothing

    def __attrs_post_init__(self) -> None:
        self.site.node.on(ClaimWanted, self._asked)

    def _asked(self, wanted: Event) -> None:
        assert isinstance(wanted, ClaimWanted)
        self.wanted.append(wanted)
        answer = self.answer(wanted)
        if answer is not None:
            self.give(wanted, answer)

    def give(self, wanted: ClaimWanted, answer: int | str) -> None:
        """Answer, now or later."""
        ownership, now = self.site.focus.ownership, self.site.net.now
        if isinstance(answer, int):
            ownership.claimed(wanted.id, answer, now=now)
        elif answer:
            ownership.owned_elsewhere(wanted.id, answer, now=now)
        else:
            ownership.failed(wanted.id, now=now)
        self.site.node.take([])


def placed() -> tuple[Site, Claims]:
    site = Site(placed=True)
    return site, Claims(site)


def status(phone: Phone) -> int:
    failed = phone.node.last(JoinFailed)
    assert failed.status is not None
    return failed.status


def try_to_join(site: Site, phone: Phone, conference: str) -> None:
    phone.client.join(conference, now=site.net.now)
    site.net.run()


def obeying(mcu_epoch: int) -> Callable[[Request], Reply]:
    """An MCU that has the conference under a claim with that epoch, until it hears of a higher one."""
    highest = mcu_epoch

    def bootstrap(request: Request) -> Reply:
        nonlocal highest
        if (request.epoch or 0) <= highest:
            return Reply(403, attrs.evolve(request.respond(Code.FAILURE, reason="unauthorized"), epoch=highest))
        highest = request.epoch or 0
        info = request.command.conference_info  # type: ignore[attr-defined]
        return Reply(200, request.respond(Code.SUCCESS, command=AddConference(conference_info=info)))

    return bootstrap


# Before a conference begins ------------------------------------------------------------------------------------------


def test_a_conference_is_claimed_once_and_released_at_its_end() -> None:
    site, claims = placed()
    conference, alice, _ = site.meeting("bob")
    (wanted,) = claims.wanted
    assert (wanted.conference_uri, wanted.above) == (conference, 0)
    assert site.focus.ownership.epoch(conference) == 1
    site.focus.end_conference(conference, now=site.net.now)
    site.node.take([])
    site.net.run()
    released = site.node.last(ClaimReleased)
    assert (released.key, released.epoch) == (wanted.key, 1)
    assert site.focus.ownership.epoch(conference) is None
    assert alice.client.roster is None or not site.focus.conferences


def test_nobody_is_asked_where_there_is_one_focus() -> None:
    site = Site()
    site.meeting()
    assert not site.node.of(ClaimWanted)


@pytest.mark.parametrize(("answer", "seconds"), [("node-2", 1), ("", None)])
def test_a_conference_of_another_node_is_not_begun_here(answer: str, seconds: int | None) -> None:
    site, claims = placed()
    alice = site.client("alice")
    conference = site.created(alice)
    claims.answer = lambda wanted: answer
    try_to_join(site, alice, conference)
    assert status(alice) == 503
    assert site.focus.conferences == ()
    claims.answer = lambda wanted: 3
    site.joined(alice, conference)
    assert site.focus.conferences == (conference,)


def test_who_joins_while_the_claim_is_made_waits_for_it() -> None:
    site, claims = placed()
    alice, bob = site.client("alice"), site.client("bob")
    conference = site.created(alice)
    claims.answer = lambda wanted: None
    try_to_join(site, alice, conference)
    try_to_join(site, bob, conference)
    assert not alice.node.of(Joined)
    (wanted,) = claims.wanted
    claims.give(wanted, 1)
    site.net.run()
    assert alice.node.of(Joined)
    assert bob.node.of(Joined)


def test_a_claim_that_comes_too_late_is_given_back() -> None:
    site, claims = placed()
    alice = site.client("alice")
    conference = site.created(alice)
    claims.answer = lambda wanted: None
    try_to_join(site, alice, conference)
    site.net.run(11.0)
    assert status(alice) == 503
    claims.give(claims.wanted[0], 4)
    assert site.node.last(ClaimReleased).epoch == 4
    assert not site.node.of(ConferenceActivated)


def test_a_claim_for_somebody_whose_connection_broke_is_given_back() -> None:
    site, claims = placed()
    alice = site.client("alice")
    conference = site.created(alice)
    claims.answer = lambda wanted: None
    try_to_join(site, alice, conference)
    for flow in site.net.connections(alice.node):
        site.net.break_off(flow)
    claims.give(claims.wanted[0], 4)
    assert site.node.last(ClaimReleased).epoch == 4
    assert site.focus.conferences == ()


def test_answers_that_nobody_asked_for_are_refused() -> None:
    site, _ = placed()
    for answer in (
        lambda: site.focus.ownership.claimed(99, 1, now=site.net.now),
        lambda: site.focus.ownership.owned_elsewhere(99, "node-2", now=site.net.now),
        lambda: site.focus.ownership.failed(99, now=site.net.now),
        lambda: site.focus.ownership.renewed("sip:alice@example.com;gruu;opaque=app:conf:focus:id:X", 2, now=0.0),
    ):
        with pytest.raises(LocalProtocolError):
            answer()


# At an MCU that obeys another ----------------------------------------------------------------------------------------


def test_every_request_to_an_mcu_carries_the_epoch() -> None:
    site, _ = placed()
    mcu = site.mcu()
    conference, alice, _ = site.meeting()
    dial(site, alice)
    assert [one.epoch for one in mcu.requests] == [1, 1]
    site.focus.ownership.renewed(conference, 6, now=site.net.now)
    dial(site, alice, "sip:carol@example.org")
    assert mcu.requests[-1].epoch == 6


def test_without_other_foci_no_epoch_is_sent() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    dial(site, alice)
    assert {one.epoch for one in mcu.requests} == {None}
    assert b"epoch" not in bytes(mcu.requests[0])


def test_a_claim_that_an_mcu_refuses_is_made_again_above_the_one_that_it_names() -> None:
    site, claims = placed()
    mcu = site.mcu()
    mcu.answers[AddConference] = obeying(41)
    _, alice, _ = site.meeting()
    dial(site, alice)
    assert [one.above for one in claims.wanted] == [0, 41]
    assert [one.epoch for one in mcu.commands(AddConference)] == [1, 42]
    assert site.node.last(McuAssigned).mcu_id == "av1"
    assert len(site.mcu_factory.requests) == 1


def test_a_focus_alone_outbids_what_an_mcu_remembers() -> None:
    site = Site()
    mcu = site.mcu()
    mcu.answers[AddConference] = obeying(41)
    _, alice, _ = site.meeting()
    dial(site, alice)
    assert [one.epoch for one in mcu.commands(AddConference)] == [None, 42]
    assert site.node.last(McuAssigned).mcu_id == "av1"


@pytest.mark.parametrize("answer", ["", "node-2"])
def test_commands_fail_once_when_no_higher_claim_can_be_had(answer: str) -> None:
    site, claims = placed()
    mcu = site.mcu()
    mcu.answers[AddConference] = obeying(41)
    _, alice, _ = site.meeting()
    claims.answer = lambda wanted: answer
    command = dial(site, alice)
    assert outcomes(alice, command) == ["CommandAccepted", "CommandFailed"]
    assert alice.node.last(CommandFailed).response is not None


def test_an_mcu_that_refuses_the_higher_claim_as_well_is_not_asked_for_ever() -> None:
    site, claims = placed()
    mcu = site.mcu()
    always = Reply(403)

    def refuse(request: Request) -> Reply:
        return attrs.evolve(
            always, document=attrs.evolve(request.respond(Code.FAILURE, reason="unauthorized"), epoch=2**40)
        )

    mcu.answers[AddConference] = refuse
    _, alice, _ = site.meeting()
    command = dial(site, alice)
    assert outcomes(alice, command) == ["CommandAccepted", "CommandFailed"]
    assert len(mcu.commands(AddConference)) == 2
    assert len(claims.wanted) == 2


def test_a_command_that_an_mcu_refuses_because_of_a_claim_fails_and_the_next_goes_through() -> None:
    site, claims = placed()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    dial(site, alice, "sip:one@example.org")
    mcu.answer_call("sip:one@example.org")
    kinds: list[type[Command]] = [AddUser, AddConference]
    bootstrap = obeying(7)
    mcu.answers[AddConference] = bootstrap
    mcu.answers[AddUser] = lambda request: Reply(
        403, attrs.evolve(request.respond(Code.FAILURE, reason="unauthorized"), epoch=7)
    )
    refused = dial(site, alice, "sip:two@example.org")
    assert outcomes(alice, refused) == ["CommandAccepted", "CommandFailed"]
    assert [one.above for one in claims.wanted] == [0, 7]
    for kind in kinds:
        mcu.answers.pop(kind)
    dial(site, alice, PHONE)
    mcu.answer_call(PHONE)
    assert alice.status(PHONE) == "connected"
    assert alice.status("sip:one@example.org") == "connected"


def test_the_end_of_a_conference_that_was_lost_is_not_told_to_an_mcu_that_obeys_another() -> None:
    """It is told, but with the old epoch, which the MCU refuses."""
    site, _ = placed()
    mcu = site.mcu()
    conference, alice, _ = site.meeting()
    dial(site, alice)
    site.focus.end_conference(conference, now=site.net.now)
    site.node.take([])
    site.net.run()
    (ended,) = mcu.commands(DeleteConference)
    assert ended.epoch == 1


@given(st.lists(st.integers(0, 50), min_size=1, max_size=6))
def test_whatever_mcus_remember_the_second_claim_is_taken(remembered: list[int]) -> None:
    """The store lost its writes: MCUs know higher epochs than it does."""
    site, claims = placed()
    highest = 0

    def answer(wanted: ClaimWanted) -> int:
        nonlocal highest
        highest = max(highest, wanted.above) + 1
        return highest

    claims.answer = answer
    mcu = site.mcu()
    for number, epoch in enumerate(remembered):
        mcu.answers[AddConference] = obeying(epoch)
        alice = site.client(f"alice{number}")
        conference = site.created(alice)
        site.joined(alice, conference)
        dial(site, alice)
        assert site.node.of(McuAssigned)[-1].conference_uri == conference
    epochs = [one.above for one in claims.wanted if one.above]
    assert len(epochs) <= len(remembered)
    assert len(site.node.of(McuAssigned)) == len(remembered)
