"""Commands over a restart: whoever commands is away, the MCU is slow, or was restarted too."""

from __future__ import annotations

import pytest

import focus
from pyc3p.elements import FarmPlan, Handset
from pyc3p.phone import Reaction
from sip import Piece, piece_parts
from tests.simulation.restarting import Restarting

BOB = "sip:bob@example.com"


def begun(reaction: Reaction = Reaction.ANSWER, *, ring_time: float = 0.1, ring_timeout: float = 60.0) -> Restarting:
    phone = Handset(name="phone", user="bob", reaction=reaction, ring_time=ring_time)
    met = Restarting(FarmPlan(handsets=[phone], ring_timeout=ring_timeout, durable=True))
    met.register_phones()
    met.open()
    return met


def no_dialog(piece: Piece) -> bool:
    return not piece.key.startswith("dialog/")


def open_pieces(met: Restarting) -> set[str]:
    return {piece_parts(piece.key)[2] for piece in met.pieces if piece.key.startswith("conference/")} & {
        "command",
        "relay",
    }


def finished(met: Restarting) -> list[focus.CommandFinished]:
    return [event for event in met.host("focus").of(focus.CommandFinished) if event.command == "addUser"]


@pytest.mark.parametrize(("reaction", "succeeds"), [(Reaction.ANSWER, True), (Reaction.IGNORE, False)])
def test_a_phone_that_rings_is_heard_of_by_the_focus_that_begins_again(reaction: Reaction, succeeds: bool) -> None:
    met = begun(reaction, ring_time=20.0, ring_timeout=25.0)
    given = met.dial("presenter", BOB)
    met.network.run_for(5.0)
    assert finished(met) == []
    met.restart(away=0.0)
    met.network.run_for(100.0)
    (outcome,) = met.outcomes("presenter", given)
    assert outcome.succeeded is succeeds
    assert [event.succeeded for event in finished(met)] == [succeeds]
    assert met.invites("bob") == 1
    assert open_pieces(met) == set()


def test_an_answer_of_while_nobody_was_here_is_heard_afterwards() -> None:
    met = begun(Reaction.IGNORE, ring_timeout=5.0)
    met.dial("presenter", BOB)
    met.network.run_for(1.0)
    met.restart(away=15.0)
    met.network.run_for(100.0)
    (ended,) = finished(met)
    assert (ended.succeeded, ended.specific_reason) == (False, "dialOutTimeout")
    assert open_pieces(met) == set()


def test_a_call_that_the_mcu_does_not_know_any_more_has_failed() -> None:
    met = begun(ring_time=40.0)
    met.dial("presenter", BOB)
    met.network.run_for(2.0)
    mcu = met.host("mcu")
    pieces = met.pieces
    met.network.remove(met.host("focus"))
    # The MCU has lost everything meanwhile: it is there, and has no conference.
    assert len(met.sim.farm.mcus["mcu"].conferences) == 1
    met.sim.farm.mcus["mcu"].close(now=met.network.now)
    mcu.kick()
    met.network.run_for(2.0)
    met.begin_again(pieces)
    met.network.run_for(100.0)
    (ended,) = finished(met)
    assert not ended.succeeded
    assert met.invites("bob") == 1
    assert met.statuses(BOB) == []
    assert open_pieces(met) == set()


def test_who_comes_back_hears_the_end_of_its_command_in_the_new_dialog() -> None:
    met = begun(ring_time=20.0)
    given = met.dial("presenter", BOB)
    met.network.run_for(2.0)
    met.restart(no_dialog)
    met.network.run_for(1.0)
    joined = len(met.host("presenter").of(focus.Joined))
    if met.client("presenter").state is focus.ClientState.OUT:
        met.client("presenter").join(met.uri, now=met.network.now)
        met.sim.kick("presenter")
        met.network.run_until(lambda: len(met.host("presenter").of(focus.Joined)) > joined)
    before = len(met.network.recording)
    met.network.run_for(100.0)
    results = [each.data for each in list(met.network.recording)[before:] if each.data.startswith(b"INFO sip:ann@")]
    assert len(results) == 1
    assert b'code="success"' in results[0]
    assert [event.succeeded for event in finished(met)] == [True]
    assert len(met.outcomes("presenter", given)) == 1


def test_a_command_of_somebody_who_does_not_come_back_ends_all_the_same() -> None:
    met = begun(ring_time=20.0)
    met.dial("presenter", BOB)
    met.network.run_for(2.0)
    met.network.remove(met.host("presenter"))
    met.restart(no_dialog)
    met.network.run_for(200.0)
    (ended,) = finished(met)
    assert ended.succeeded
    assert not ended.delivered
    assert met.invites("bob") == 1
    assert open_pieces(met) == set()
