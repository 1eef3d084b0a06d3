"""An MCU dies (docs/flows.rst): what the roster shows, who comes back by itself, and what becomes of the old one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import focus
import mcu
from c3p import mcu_uri
from tests.simulation.test_chat import ANN, WES, Chatting
from tests.simulation.test_ways_in import Meet, caller, statuses


def in_chat() -> Chatting:
    """Two people in the chat of a conference, where there are two MCUs."""
    meeting = Chatting(mcus=("mcu", "mcu-2"))
    meeting.both_join()
    meeting.say("presenter", "before")
    return meeting


def serving(meeting: Chatting) -> str:
    """The MCU whose chat the conference has."""
    (name,) = [
        name for name in ("mcu", "mcu-2") if any(service.sizes["conferences"] for service in chats(meeting, name))
    ]
    return name


def chats(meeting: Chatting, name: str) -> list[mcu.ChatMcu]:
    pump = meeting.sim.farm.elements[name].pump
    return [core for core in (pump.cores if pump is not None else ()) if isinstance(core, mcu.ChatMcu)]


def closed(meeting: Chatting, name: str) -> Callable[[], bool]:
    return lambda: bool(meeting.host(name).of(focus.ChatClosed))


def chat_view(meeting: Chatting, name: str = "watcher") -> bool:
    """Whether the roster of somebody has the chat."""
    roster = meeting.client(name).roster
    view = roster.conference_view if roster is not None else None
    return view is not None and view.view(mcu_uri(meeting.uri, "chat")) is not None


@pytest.mark.parametrize("without_a_word", [False, True])
def test_a_chat_mcu_dies_and_the_chat_goes_on_at_another(without_a_word: bool) -> None:
    meeting = in_chat()
    first = serving(meeting)
    meeting.sim.stop(first, without_a_word=without_a_word)
    for name in ("presenter", "watcher"):  # within the time that the Focus asks twice in vain
        meeting.network.run_until(closed(meeting, name), 180.0, what="the end of the chat")
        (event,) = meeting.host(name).of(focus.ChatClosed)
        assert event.lost
    for who in (ANN, WES):
        assert meeting.statuses(who) == ["focus connected"]
    assert meeting.roster("watcher") == meeting.true_roster()
    for name in ("presenter", "watcher"):
        meeting.host(name).events.clear()
        meeting.command(name, lambda client, now: client.open_chat(now=now))
        meeting.wait_for(name, focus.ChatOpened)
    meeting.network.run_for(1.0)
    assert chat_view(meeting)
    meeting.say("presenter", "after")
    assert meeting.heard("watcher")[-1] == (ANN, "after")
    (other,) = {"mcu", "mcu-2"} - {first}
    assert [each.sizes["conferences"] for each in chats(meeting, other)] == [1]
    assert meeting.statuses(WES) == ["focus connected", "chat connected"]


def test_a_chat_mcu_that_comes_back_drops_the_conference() -> None:
    meeting = in_chat()
    first = serving(meeting)
    meeting.network.links.cut("focus", first)
    meeting.network.run_for(150.0)  # it is there, and the Focus has given it up
    meeting.network.links.mend_all()
    meeting.network.run_for(90.0)
    assert [each.sizes["conferences"] for each in chats(meeting, first)] == [0]
    assert meeting.roster("watcher") == meeting.true_roster()


def test_who_called_the_mcu_that_died_calls_again_at_the_same_address(meet: Meet) -> None:
    meeting = meet(mcus=("mcu", "mcu-2"))
    where = mcu_uri(meeting.uri, "audio-video")
    phone = caller(meeting)
    phone.call(where, user="sip:wes@example.com")
    phone.answered()
    meeting.network.run_for(1.0)
    (first,) = [name for name in ("mcu", "mcu-2") if meeting.sim.farm.mcus[name].conferences]
    meeting.sim.stop(first)
    meeting.network.run_for(90.0)
    assert statuses(meeting) == {}
    phone.events.clear()
    phone.call(where, user="sip:wes@example.com")
    phone.answered()
    meeting.network.run_for(1.0)
    assert statuses(meeting) == {"Wes": "connected"}
    assert meeting.sim.farm.mcus[{"mcu": "mcu-2", "mcu-2": "mcu"}[first]].conferences
