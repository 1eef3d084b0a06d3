"""What a Focus does with what was written: who is in, who may come back, what ends, and what is refused."""

from __future__ import annotations

import json

import attrs
import pytest

import focus
import sip
from pyc3p.elements import FarmPlan, Handset, Person
from pyc3p.phone import PhoneAnswered, PhoneReleased
from pyc3p.simnet import HttpFault
from sip import Piece, StateUnreadable, piece_parts, read_piece, write_piece
from tests.simulation.restarting import Killed, Restarting

ANN, WES, BOB = "sip:ann@example.com", "sip:wes@example.com", "sip:bob@example.com"


def begun(**plan: object) -> Restarting:
    """Ann and wes are in, and bob's phone can be called."""
    met = Restarting(FarmPlan(handsets=[Handset(name="phone", user="bob", ring_time=0.1)], durable=True, **plan))  # type: ignore[arg-type]
    met.register_phones()
    met.open()
    return met


def with_bob() -> Restarting:
    """... and was."""
    met = begun()
    assert met.outcome("presenter", met.dial("presenter", BOB)).succeeded
    met.network.run_for(1.0)
    return met


def no_dialog(piece: Piece) -> bool:
    """Dialogs that hang on a connection do not outlast the process."""
    return not piece.key.startswith("dialog/")


def kind_of(piece: Piece) -> str:
    parts = piece_parts(piece.key)
    return parts[2] if parts[0] == "conference" else parts[0]


def test_who_has_no_dialog_any_more_is_shown_for_a_minute_and_goes() -> None:
    met = with_bob()
    for name in ("presenter", "watcher"):
        met.network.remove(met.host(name))
    (event,) = [one for one in met.restart(no_dialog) if isinstance(one, focus.ConferenceRestored)]
    assert (event.participants, event.absent) == (0, 2)
    here = {user for user, _ in met.true_roster()}
    assert here == {ANN, WES, BOB}
    met.network.run_for(55.0)
    assert {user for user, _ in met.true_roster()} == here
    met.network.run_for(10.0)
    assert met.statuses(ANN) == met.statuses(WES) == []


def test_who_comes_back_takes_the_old_place_with_its_role_and_nobody_saw_it_leave() -> None:
    met = begun()
    promote = met.command("presenter", lambda client, now: client.modify_user_roles(WES, "presenter", now=now))
    assert met.outcome("presenter", promote).succeeded
    lock = met.command("presenter", lambda client, now: client.set_lock(True, now=now))
    assert met.outcome("presenter", lock).succeeded
    met.restart(no_dialog)
    met.network.run_for(100.0)  # clients come back by themselves
    assert met.client("watcher").state is focus.ClientState.JOINED
    assert met.client("watcher").role == "presenter"
    assert sorted(user for user, _ in met.true_roster()) == [ANN, WES]
    assert met.roster("presenter") == met.true_roster()
    left = [event.cause for event in met.host("focus").of(focus.ParticipantLeft)]
    assert left == ["replaced", "replaced"]


def test_a_call_goes_on_and_its_mcu_is_told_at_once_without_the_factory() -> None:
    met = with_bob()
    asked = len(met.host("mcu-factory").of(focus.McuAssigned))
    assert asked == 0
    met.sim.network.web.faults["mcu-factory"] = HttpFault.SILENT
    met.restart(away=0.0)
    met.network.run_for(120.0)
    assert met.statuses(BOB) == ["audio-video connected"]
    assert len(met.host("phone").of(PhoneAnswered)) == 1
    assert met.host("phone").of(PhoneReleased) == []
    assert met.outcome("presenter", met.eject("presenter", BOB)).succeeded
    assert len(met.host("phone").of(PhoneReleased)) == 1


def test_who_was_muted_by_name_comes_back_muted_although_the_focus_was_restarted_in_between() -> None:
    met = begun(mcus=("mcu", "mcu2"))
    assert met.outcome("presenter", met.dial("presenter", BOB)).succeeded
    met.network.run_for(1.0)
    (guid,) = [endpoint for user, endpoint in met.true_roster() if user == BOB]
    mute = met.command("presenter", lambda client, now: client.mute(BOB, endpoint=guid, now=now))
    assert met.outcome("presenter", mute).succeeded
    met.network.remove(met.host("mcu" if met.sim.farm.mcus["mcu"].conferences else "mcu2"))
    met.network.run_for(150.0)
    assert met.statuses(BOB) == []
    assert len(met.host("focus").of(focus.McuLost)) == 1
    met.restart(away=0.0)
    met.network.run_for(5.0)
    assert met.outcome("presenter", met.dial("presenter", BOB)).succeeded
    met.network.run_for(1.0)
    assert met.statuses(BOB) == ["audio-video connected muted"]


def test_an_mcu_that_does_not_answer_the_focus_that_goes_on_is_told_of_before_it_is_given_up() -> None:
    met = with_bob()
    met.sim.network.web.faults["mcu"] = HttpFault.SILENT
    met.restart(away=0.0)
    met.network.run_for(100.0)
    told = [event for event in met.host("focus").events if isinstance(event, focus.McuSilent | focus.McuLost)]
    assert [(type(event), event.participants) for event in told] == [(focus.McuSilent, 1), (focus.McuLost, 1)]


def test_an_mcu_that_died_meanwhile_is_replaced_and_its_calls_are_gone() -> None:
    met = begun(mcus=("mcu", "mcu2"))
    assert met.outcome("presenter", met.dial("presenter", BOB)).succeeded
    had = "mcu" if met.sim.farm.mcus["mcu"].conferences else "mcu2"
    met.network.remove(met.host(had))
    met.restart(away=0.0)
    met.network.run_for(100.0)
    assert met.statuses(BOB) == []
    assert [event.mcu_id for event in met.host("focus").of(focus.McuLost)] == [had]
    assert met.outcome("presenter", met.dial("presenter", BOB)).succeeded is False or met.statuses(BOB)


def test_a_command_that_was_accepted_and_not_sent_is_sent_after_a_restart() -> None:
    met = begun()
    met.sim.network.web.faults["mcu-factory"] = HttpFault.SILENT
    given = met.dial("presenter", BOB)
    met.network.run_for(2.0)
    assert [kind_of(piece) for piece in met.pieces if kind_of(piece) in ("command", "relay")] == ["command", "relay"]
    met.restart(away=0.0)
    del met.sim.network.web.faults["mcu-factory"]
    met.network.run_for(60.0)  # the MCU Factory is asked again once the first question came to nothing
    assert len(met.outcomes("presenter", given)) == 1
    assert met.invites("bob") <= 1
    kinds = {kind_of(piece) for piece in met.pieces}
    assert not kinds & {"command", "relay"}


def test_a_conference_whose_record_is_gone_ends_properly() -> None:
    met = with_bob()
    pieces = met.pieces
    key = piece_parts(next(piece.key for piece in pieces if piece.key.startswith("conference/")))[1]
    met.store.remove(key)
    met.restart(away=0.0)
    met.network.run_for(5.0)
    assert [event.reason for event in met.host("focus").of(focus.ConferenceEnded)] == [focus.EndReason.DELETED]
    assert met.focus.conferences == ()
    assert [event.cause for event in met.host("watcher").of(focus.Left)] == [focus.LeaveCause.CONFERENCE_ENDED]
    assert len(met.host("phone").of(PhoneReleased)) == 1
    met.network.run_for(60.0)
    assert met.pieces == []


def test_a_record_that_was_changed_meanwhile_counts() -> None:
    met = begun()
    key = piece_parts(next(piece.key for piece in met.pieces if piece.key.startswith("conference/")))[1]
    record = met.store.get(key)
    assert record is not None
    met.store.replace(key, attrs.evolve(record, subject="Another", version=record.version + 1))
    met.restart(away=0.0)
    met.network.run_for(2.0)
    roster = met.client("watcher").roster
    assert roster is not None
    assert roster.description is not None
    assert roster.description.subject == "Another"


def test_what_cannot_be_read_is_told_by_name_and_the_rest_counts() -> None:
    met = with_bob()
    pieces = met.pieces
    wes = next(piece for piece in pieces if piece.key.endswith("/user/wes@example.com"))
    later = write_piece(wes.key, 99, {})
    junk = [
        write_piece(piece_key_of(pieces, "strange", "x"), 1, {}),
        write_piece(piece_key_of(pieces, "user", "y"), 1, {"document": "<no"}),
        write_piece(piece_key_of(pieces, "participant", "no number"), 1, {}),
        write_piece("conference/somebody/else/head", 1, {}),
    ]
    met.network.remove(met.host("focus"))
    events = met.begin_again([later if piece.key == wes.key else piece for piece in pieces] + junk)
    unreadable = {event.key: event.reason for event in events if isinstance(event, StateUnreadable)}
    assert wes.key in unreadable
    assert "version 99" in unreadable[wes.key]
    assert set(unreadable) >= {piece.key for piece in junk}
    met.network.run_for(5.0)
    # Wes has a dialog, so he is in; what else was known of him is not.
    assert met.statuses(WES) == ["focus connected"]
    assert met.statuses(BOB) == ["audio-video connected"]


def piece_key_of(pieces: list[Piece], *name: str) -> str:
    """The key of a piece of the conference."""
    found = next(piece.key for piece in pieces if piece.key.startswith("conference/"))
    return "/".join((*found.split("/")[:2], *name))


def test_what_is_active_is_not_restored_over() -> None:
    met = with_bob()
    before = met.true_roster()
    with pytest.raises(focus.LocalProtocolError):
        met.focus.restore(met.pieces, now=met.network.now)
    assert met.true_roster() == before


def test_a_focus_that_lets_a_conference_go_tells_nobody_and_another_goes_on_with_it() -> None:
    met = with_bob()
    old = met.focus
    seen = {name: len(met.host(name).events) for name in ("presenter", "watcher", "phone")}
    pieces = old.release(met.uri, now=met.network.now)
    assert old.conferences == ()
    assert not any(old.sizes.values())
    assert old.take_pieces() == []
    with pytest.raises(focus.LocalProtocolError):
        old.release(met.uri, now=met.network.now)
    met.host("focus").kick()
    met.network.run_for(1.0)
    assert {name: len(met.host(name).events) for name in seen} == seen
    met.network.remove(met.host("focus"))
    met.begin_again(pieces)
    met.network.run_for(2.0)
    assert met.roster("watcher") == met.true_roster()
    assert met.statuses(BOB) == ["audio-video connected"]
    assert met.outcome("presenter", met.eject("presenter", BOB)).succeeded


def over_udp() -> Restarting:
    """Ann and wes are in, and their clients cannot notice that the Focus is another one."""
    people = [
        Person(name=name, user=user, display_name=user.title(), transport="udp")
        for name, user in (("presenter", "ann"), ("watcher", "wes"))
    ]
    return begun(people=people)


def test_everybody_is_told_everything_again_although_nothing_has_changed() -> None:
    """What was sent last may not have arrived, and who follows the conference would never know."""
    met = over_udp()
    before = {name: met.documents(name)[-1] for name in ("presenter", "watcher")}
    met.restart(away=0.0)
    met.network.run_for(2.0)
    for name, (_, subscription, version, _) in before.items():
        ((_, same, later, document),) = [each for each in met.documents(name) if each[0] >= met.restarts[0]]
        assert same == subscription
        assert later > version
        assert b'state="full"' in document
        assert all(user.encode() in document for user in (ANN, WES))
        assert met.roster(name) == met.true_roster()


def test_what_was_written_and_never_sent_is_told_by_the_focus_that_goes_on() -> None:
    met = over_udp()
    met.kill_at(met.saves + 1)
    lock = met.command("presenter", lambda client, now: client.set_lock(True, now=now))
    with pytest.raises(Killed):
        met.network.run_for(5.0)
    assert locked(met) == {"presenter": False, "watcher": False}
    met.restart(away=0.0)
    met.network.run_for(40.0)
    assert met.outcome("presenter", lock).succeeded
    assert locked(met) == {"presenter": True, "watcher": True}


def locked(met: Restarting) -> dict[str, bool]:
    """Whether the conference is locked, as people see it."""
    seen = {}
    for name in ("presenter", "watcher"):
        roster = met.client(name).roster
        assert roster is not None
        assert roster.conference_view is not None
        view = roster.conference_view.view(roster.entity)
        assert view is not None
        assert view.entity_state is not None
        seen[name] = view.entity_state.locked is True
    return seen


def test_all_that_is_known_is_in_the_pieces() -> None:
    """What a Focus knows after it was restored is what it knew: the room for numbers apart."""
    met = with_bob()
    before = {piece.key: piece for piece in met.focus.snapshot()}
    met.restart(away=0.0)
    after = {piece.key: piece for piece in met.focus.snapshot()}
    assert after.keys() == before.keys()
    for key, piece in before.items():
        was, now = read_piece(piece, 1), read_piece(after[key], 1)
        if "room" in was:
            assert now.pop("room") >= was.pop("room")
        assert now == was


def test_pieces_show_no_secret_where_they_are_shown() -> None:
    met = begun()
    record = attrs.evolve(next(iter(met.store.of_organizer("ann@example.com"))), passcode="pass-4711")
    met.focus.record_replaced(met.uri, record, now=met.network.now)
    met.host("focus").kick()
    met.network.run_for(0.1)
    assert any(b"pass-4711" in (piece.value or b"") for piece in met.pieces)
    assert "4711" not in repr(met.pieces)


def test_a_dialled_address_is_written_without_its_password() -> None:
    met = begun()
    met.sim.network.web.faults["mcu"] = HttpFault.SILENT
    met.dial("presenter", "sip:bob:secret77@example.com")
    met.network.run_for(1.0)
    assert "relay" in {kind_of(piece) for piece in met.pieces}
    assert all(b"secret77" not in (piece.value or b"") for piece in met.pieces)


def test_the_wall_clock_may_be_set_meanwhile() -> None:
    """An hour back or forth: a minute to come back is a minute."""
    for step in (-3600.0, 3600.0):
        met = begun()
        met.network.remove(met.host("watcher"))
        place = met.sim.farm.places["focus"]
        met.sim.farm.places = {**met.sim.farm.places, "focus": attrs.evolve(place, wall_clock=place.wall_clock + step)}
        met.restart(no_dialog, away=0.0)
        met.network.run_for(55.0)
        assert met.statuses(WES) == ["focus connected"]
        met.network.run_for(10.0)
        assert met.statuses(WES) == []


def test_one_join_writes_little_however_many_are_there() -> None:
    written = []
    for size in (2, 12):
        people = [Person(name="presenter", user="ann", display_name="Ann")]
        people += [Person(name=f"p{n}", user=f"p{n}", display_name=f"P {n}") for n in range(1, size)]
        met = Restarting(FarmPlan(people=people, durable=True))
        met.open()
        last = f"p{size - 1}"
        met.client(last).leave(now=met.network.now)
        met.sim.kick(last)
        met.network.run_for(2.0)
        before = met.host("focus").written
        met.client(last).join(met.uri, now=met.network.now)
        met.sim.kick(last)
        met.network.run_for(1.0)
        changed = [key for key, piece in met.host("focus").written.items() if before.get(key) is not piece]
        written.append(len(changed))
    assert written[0] == written[1] <= 4


def test_a_piece_names_its_conference_so_that_one_can_be_loaded_alone() -> None:
    met = with_bob()
    keys = {piece_parts(piece.key)[:2] for piece in met.pieces if piece.key.startswith("conference/")}
    assert len(keys) == 1
    record = json.loads(next(piece.value for piece in met.pieces if kind_of(piece) == "head") or b"")["record"]
    assert record["focus_uri"] == met.uri


def test_a_repeated_command_is_answered_as_before_and_not_carried_out_again() -> None:
    met = with_bob()
    commands = [sip.parse_message(each.data) for each in met.network.recording if each.data.startswith(b"INFO")]
    asked = next(one for one in commands if b"<addUser" in one.body and b"<request" in one.body)
    met.restart(away=0.0)
    met.network.run_for(2.0)
    before = len(met.network.recording)
    endpoint, session = met.host("presenter").element.pump.endpoint, met.client("presenter")._session  # type: ignore[union-attr]
    assert session is not None
    endpoint.request_in_session(
        session, "INFO", body=asked.body, content_type="application/cccp+xml", now=met.network.now
    )
    met.sim.kick("presenter")
    met.network.run_for(30.0)
    later = [each for each in list(met.network.recording)[before:] if each.layer in ("sip", "http")]
    answers = [each.data for each in later if each.data.startswith(b"SIP/2.0 200") and b" INFO\r\n" in each.data]
    assert len(answers) == 1
    assert b'code="success"' in answers[0]
    assert not any(b"<addUser" in each.data for each in later if each.layer == "http")
    assert met.invites("bob") == 1


def test_dialogs_whose_conference_is_gone_are_ended() -> None:
    met = begun()
    met.restart(lambda piece: piece.key.startswith("dialog/"))
    met.network.run_for(40.0)
    sizes = met.host("focus").element.pump.endpoint.sizes  # type: ignore[union-attr]
    assert sizes["sessions"] == met.focus.sizes["participants"]
    assert sizes["dialogs"] == met.focus.sizes["participants"] + met.focus.sizes["subscriptions"]


def test_an_activation_that_ends_late_takes_nothing_from_the_one_after_it() -> None:
    met = begun()
    uri = met.uri
    met.network.unreachable.add("watcher")  # whose BYE nobody answers
    met.command("presenter", lambda client, now: client.end_conference(now=now))
    met.network.run_for(2.0)
    assert met.focus.conferences == ()
    met.client("presenter").join(uri, now=met.network.now)
    met.sim.kick("presenter")
    met.network.run_for(2.0)
    met.network.unreachable.discard("watcher")
    met.dial("presenter", BOB)
    met.network.run_for(40.0)  # the BYE has ended
    met.restart()
    met.network.run_for(110.0)
    assert not met.host("phone").of(PhoneReleased)
    assert met.statuses(BOB) == ["audio-video connected"]


def test_a_focus_that_forgot_everything_does_not_show_that_somebody_is_out() -> None:
    met = with_bob()
    met.network.remove(met.host("focus"))
    given = met.eject("presenter", BOB)  # the Focus never gets it
    met.network.run_for(1.0)
    met.begin_again([])
    met.network.run_for(20.0)
    assert not met.outcome("presenter", given).succeeded


def test_a_dialog_that_came_back_and_that_its_client_has_given_up_leaves_its_place() -> None:
    met = Restarting(FarmPlan(handsets=[Handset(name="phone", user="bob", ring_time=20.0)], durable=True))
    met.register_phones()
    met.open()
    met.dial("presenter", BOB)
    met.network.run_for(2.0)
    for name in ("presenter", "watcher"):  # they know nothing of their dialogs any more, and answer 481
        met.sim.restart(name, with_state=False)
    met.restart()
    met.network.run_for(25.0)  # the phone has answered, which was told to the presenter
    assert not met.host("focus").of(focus.ParticipantLeft)
    assert sorted(user for user, _ in met.true_roster()) == [ANN, BOB, WES]
    met.network.run_for(70.0)
    assert ANN not in {user for user, _ in met.true_roster()}
