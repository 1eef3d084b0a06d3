"""Several Foci and one conference: the higher epoch has it, and the other is told what to claim above."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from c3p import (
    MAX_EPOCH,
    AddConference,
    Code,
    ConferenceInfo,
    ConferenceKeys,
    DeleteConference,
    GetConference,
    Reply,
    Response,
)
from tests.mcu.harness import CONFERENCE, World, answering, ringing

GROUP = frozenset({"focus-1", "focus-2"})
KEYS = ConferenceKeys(conf_entity=CONFERENCE)


def url_of(peer: str) -> str:
    return f"https://{peer}.example.com/LiveServer/Focus"


def claim(world: World, peer: str, epoch: int | None) -> Reply:
    """What a Focus says first, and after every claim."""
    info = ConferenceInfo(entity=CONFERENCE)
    return world.post(AddConference(conference_info=info, callback_uri=url_of(peer)), peer=peer, epoch=epoch)


def is_answer(document: object, request: str) -> bool:
    """Whether a document is the final answer to a request."""
    return isinstance(document, Response) and document.final and document.request_id == request


def named(reply: Reply) -> int | None:
    return None if reply.document is None else reply.document.epoch


def test_the_higher_epoch_has_the_conference_and_the_lower_is_told_of_it() -> None:
    world = World(focus_peers=GROUP)
    assert claim(world, "focus-1", 5).status == 200
    world.phone(7, answering)
    world.dial(7, peer="focus-1", epoch=5)
    refused = claim(world, "focus-2", 4)
    assert (refused.status, named(refused)) == (403, 5)
    assert claim(world, "focus-2", 6).status == 200
    assert world.mcu.legs == 1  # who is in a call notices nothing
    assert world.focus.exchanges[-1].url == url_of("focus-2")
    assert world.focus.exchanges[-1].peer == "focus-2"


def test_an_old_owner_commands_nothing_any_more() -> None:
    world = World(focus_peers=GROUP)
    claim(world, "focus-1", 5)
    claim(world, "focus-2", 6)
    world.phone(7)
    for reply in (
        world.dial(7, peer="focus-1", epoch=5),
        world.post(DeleteConference(conference_keys=KEYS), peer="focus-1", epoch=5),
        world.post(GetConference(conference_keys=KEYS), peer="focus-1", epoch=7),
    ):
        assert (reply.status, named(reply)) == (403, 6)
    assert world.mcu.conferences == (CONFERENCE,)
    assert world.mcu.legs == 0


def test_a_process_that_was_stopped_is_older_than_the_one_that_took_its_name() -> None:
    world = World(focus_peers=GROUP)
    claim(world, "focus-1", 5)
    claim(world, "focus-1", 8)
    assert named(world.dial(7, peer="focus-1", epoch=5)) == 8
    assert named(claim(world, "focus-1", None)) == 8
    assert world.dial(7, peer="focus-1", epoch=8).status == 200


def test_a_claim_that_was_renewed_is_shown_by_its_next_command() -> None:
    """Redis lost its writes: its owner claims again, and has nothing else to tell the MCU."""
    world = World(focus_peers=GROUP)
    claim(world, "focus-1", 5)
    assert world.post(GetConference(conference_keys=KEYS), peer="focus-1", epoch=9).status == 200
    assert named(claim(world, "focus-2", 6)) == 9


def test_of_two_equal_claims_the_first_stays() -> None:
    world = World(focus_peers=GROUP)
    claim(world, "focus-1", 5)
    assert named(claim(world, "focus-2", 5)) == 5
    assert claim(world, "focus-1", 5).status == 200


def test_without_epochs_the_first_focus_stays() -> None:
    world = World(focus_peers=GROUP)
    claim(world, "focus-1", None)
    assert claim(world, "focus-2", None).status == 403
    assert claim(world, "focus-1", None).status == 200


def test_without_a_group_nothing_is_taken_from_anybody() -> None:
    world = World()
    claim(world, "focus-1", 1)
    assert claim(world, "focus-2", 2).status == 403


def test_a_focus_of_another_group_takes_nothing() -> None:
    world = World(focus_peers=GROUP)
    claim(world, "focus-1", 1)
    assert claim(world, "stranger", 2).status == 403
    assert named(claim(world, "stranger", 2)) is None


def test_what_the_old_owner_asked_for_is_told_to_the_new_one() -> None:
    """The final response is under way to the old owner when the new one claims: that one hears it, too."""
    world = World(focus_peers=GROUP)
    claim(world, "focus-1", 1)
    phone = world.phone(7, ringing)
    world.dial(7, peer="focus-1", epoch=1)
    request = str(world.requests)
    world.held = []
    phone.answer()
    world.run(0.1)
    while not any(is_answer(each.document, request) for each in world.focus.exchanges):
        world.answer_held()
    claim(world, "focus-2", 2)
    world.answer_held()
    world.answer_held()
    world.held = None
    world.run(5.0)
    assert [each.peer for each in world.focus.exchanges if is_answer(each.document, request)] == ["focus-1", "focus-2"]


def test_a_response_waits_for_the_next_owner_when_the_last_gave_the_conference_away() -> None:
    world = World(focus_peers=GROUP)
    claim(world, "focus-1", 1)
    phone = world.phone(7, ringing)
    world.dial(7, peer="focus-1", epoch=1)
    request = str(world.requests)
    world.focus.reply = Reply(404)
    phone.answer()
    world.run(3.0)
    world.focus.reply = Reply(200)
    claim(world, "focus-2", 2)
    world.run(5.0)
    assert world.focus.exchanges[-1].peer == "focus-2"
    assert any(is_answer(each.document, request) for each in world.focus.exchanges if each.peer == "focus-2")


def test_no_epoch_is_so_high_that_nobody_gets_above_it() -> None:
    world = World(focus_peers=GROUP)
    assert claim(world, "focus-1", MAX_EPOCH + 1).document.code is Code.FAILURE  # type: ignore[union-attr]
    assert world.mcu.conferences == ()
    claim(world, "focus-1", 3)
    world.post(GetConference(conference_keys=KEYS), peer="focus-1", epoch=10**19)
    assert named(claim(world, "focus-2", 4)) == MAX_EPOCH


@given(st.lists(st.tuples(st.sampled_from(sorted(GROUP)), st.integers(0, 6)), min_size=1, max_size=12))
def test_whoever_commands_has_the_highest_epoch_that_was_ever_taken(claims: list[tuple[str, int]]) -> None:
    world = World(focus_peers=GROUP)
    owner, highest = None, -1
    for peer, epoch in claims:
        reply = claim(world, peer, epoch)
        wins = owner is None or epoch > highest or (peer == owner and epoch == highest)
        assert (reply.status == 200) is wins
        if wins:
            owner, highest = peer, epoch
        else:
            assert named(reply) == highest
        for one, number in itertools.product(sorted(GROUP), range(7)):
            if number > highest:
                continue
            status = world.post(GetConference(conference_keys=KEYS), peer=one, epoch=number).status
            assert (status == 200) is (one == owner and number == highest)
