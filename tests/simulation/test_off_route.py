"""Phones that do not follow Record-Route: ACK and BYE without Route (RFC 3261 sections 12.2.1.1 and 16.5)."""

from __future__ import annotations

from typing import Literal

import attrs
import pytest

import sip
from c3p import mcu_uri
from pyc3p.simnet import Meeting
from sip import SessionEnded
from tests.simulation.caller import Caller
from tests.simulation.test_ways_in import OPEN, Meet, create, entity, hold, identified_by_nobody, number, statuses

How = Literal["invite", "contact"]
BOTH = pytest.mark.parametrize("how", ["invite", "contact"])
HALF_A_MINUTE = 40.0  #: by then an MCU that gets no ACK has ended the call (RFC 3261 section 13.3.1.4)


def astray(meeting: Meeting, how: How, name: str = "uac", host: str = "198.51.100.7", transport: str = "UDP") -> Caller:
    return Caller(meeting, name, host, transport=transport, off_route=how)


def kept(meeting: Meeting) -> int:
    """How many calls the Focus keeps something of."""
    ways_in = meeting.sim.farm.cores["focus"].ways_in
    assert ways_in is not None
    return ways_in.sizes["off_route"]


@BOTH
@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_a_phone_that_knows_no_route_is_in_and_hangs_up(meet: Meet, how: How, transport: str) -> None:
    meeting = meet(factory=OPEN)
    phone = astray(meeting, how, transport=transport)
    phone.call(number(meeting))
    phone.answered()
    meeting.network.run_for(HALF_A_MINUTE)
    assert statuses(meeting) == {f"sip:uac@{phone.host}": "connected"}
    phone.hang_up()
    meeting.network.run_for(1.0)
    assert statuses(meeting) == {}
    meeting.network.run_for(HALF_A_MINUTE)
    assert kept(meeting) == 0


@BOTH
def test_it_is_muted_and_ejected_as_any_other(meet: Meet, how: How) -> None:
    meeting = meet(factory=OPEN)
    phone = astray(meeting, how)
    phone.call(number(meeting))
    phone.answered()
    meeting.network.run_for(HALF_A_MINUTE)
    assert meeting.outcome("presenter", meeting.eject("presenter", entity(meeting, f"sip:uac@{phone.host}"))).succeeded
    phone.until(lambda: bool(phone.of(SessionEnded)), "the BYE")
    meeting.network.run_for(HALF_A_MINUTE)
    assert kept(meeting) == 0


@BOTH
def test_it_presses_keys_at_the_door(meet: Meet, how: How) -> None:
    meeting = meet()
    hold(meeting, passcode="2468", admission_policy="anonymous")
    phone = astray(meeting, how)
    phone.call(number(meeting))
    phone.answered()
    meeting.network.run_for(1.0)
    phone.press("2468#")
    meeting.network.run_for(1.0)
    assert list(statuses(meeting).values()) == ["connected"]


def test_a_participant_that_knows_no_route_calls_its_mcu(meet: Meet) -> None:
    meeting = meet()
    phone = astray(meeting, "invite", transport="TCP")
    phone.call(mcu_uri(meeting.uri, "audio-video"), user="sip:wes@example.com")
    phone.answered()
    meeting.network.run_for(HALF_A_MINUTE)
    assert statuses(meeting) == {"Wes": "connected"}
    phone.hang_up()
    meeting.network.run_for(1.0)
    assert statuses(meeting) == {}


def test_of_a_phone_that_follows_the_route_nothing_is_kept(meet: Meet) -> None:
    meeting = meet(factory=OPEN)
    phone = Caller(meeting, "granny", "198.51.100.8")
    phone.call(number(meeting))
    phone.answered()
    meeting.network.run_for(1.0)
    assert kept(meeting) == 0
    assert list(statuses(meeting).values()) == ["connected"]


def test_of_a_call_that_was_refused_nothing_is_kept(meet: Meet) -> None:
    meeting = meet(factory=OPEN)
    phone = astray(meeting, "invite")
    phone.call(number(meeting), body=b"nonsense")
    assert phone.refused()[0] == 488
    meeting.network.run_for(HALF_A_MINUTE)
    assert kept(meeting) == 0


def test_of_calls_at_an_mcu_that_died_nothing_is_kept_for_long(meet: Meet) -> None:
    meeting = meet(factory=OPEN)
    uri = create(meeting)
    phone = astray(meeting, "invite")
    phone.call(number(meeting))
    phone.answered()
    meeting.network.run_for(1.0)
    assert kept(meeting) == 1
    meeting.sim.stop("mcu", without_a_word=True)
    meeting.network.run_for(400.0)
    assert statuses(meeting, uri) == {}
    assert kept(meeting) == 0


# Nobody else ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["elsewhere", "other tag", "other target"])
def test_nobody_else_ends_the_call_that_way(meet: Meet, what: str) -> None:
    """Who has read Call-ID and tags, and is elsewhere; who is there, and guesses a tag, or names a target."""
    meeting = meet(factory=OPEN)
    ways_in = meeting.sim.farm.cores["focus"].ways_in
    conferences = meeting.sim.farm.cores["focus"].focus
    assert ways_in is not None
    assert conferences is not None
    context = conferences.inside.context
    context.config = attrs.evolve(context.config, identify=identified_by_nobody)
    phone = astray(meeting, "invite")
    phone.call(where := number(meeting))
    answer = phone.answered().response
    assert answer is not None
    meeting.network.run_for(1.0)
    bye = sip.Request.build(
        "BYE",
        "sip:somebody@203.0.113.99" if what == "other target" else where,
        headers=[
            ("Via", f"SIP/2.0/UDP {phone.host};branch=z9hG4bKforged{what[:3]}"),
            ("Max-Forwards", "70"),
            ("From", answer.headers.get("From")),
            ("To", answer.headers.get("To") if what != "other tag" else f"<{where}>;tag=guessed"),
            ("Call-ID", answer.call_id),
            ("CSeq", "99 BYE"),
        ],
    )
    source = "198.51.100.66" if what == "elsewhere" else phone.host
    meeting.network.inject((source, 5060), (phone.server, 5060), bytes(bye))
    meeting.network.run_for(5.0)
    assert list(statuses(meeting).values()) == ["connected"]
    assert kept(meeting) == 1
