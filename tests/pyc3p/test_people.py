"""A roster in the words of people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import c3p
from c3p.testing import conference_infos
from pyc3p.commands.people import lines, told
from pyc3p.roster import changes

CONF = "sip:ann@example.com;gruu;opaque=app:conf:focus:id:7BA9D7E4"


def roster(*users: c3p.User) -> c3p.ConferenceInfo:
    return c3p.ConferenceInfo(entity=CONF, state="full", version=1, users=c3p.Users(users=users))


def user(name: str, *endpoints: c3p.Endpoint, role: str = "attendee") -> c3p.User:
    return c3p.User(entity=f"sip:{name.lower()}@example.com", display_text=name, roles=(role,), endpoints=endpoints)


def endpoint(
    status: str | None, kind: str = "audio-video", *, how: str | None = None, muted: bool = False
) -> c3p.Endpoint:
    media = (c3p.Media(id="1", type="audio", ingress_filter="block"),) if muted else ()
    return c3p.Endpoint(entity=f"{{{kind}}}", session_type=kind, status=status, disconnection_method=how, media=media)


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (endpoint("dialing-out"), "Bob is being called"),
        (endpoint("alerting"), "Bob rings"),
        (endpoint("connected"), "Bob is on the phone"),
        (endpoint("connected", muted=True), "Bob is on the phone, muted"),
        (endpoint("on-hold"), "Bob is on hold"),
        (endpoint("disconnected", how="busy"), "Bob is busy"),
        (endpoint("disconnected", how="booted"), "Bob was ejected"),
        (endpoint("disconnected", how="failed"), "Bob is out, the call failed"),
        (endpoint("disconnected", how="departed"), "Bob has hung up"),
        (endpoint("connected", "focus"), "Bob is here"),
        (endpoint("on-hold", "focus"), "Bob waits in the lobby"),
        (endpoint("connected", "chat"), "Bob is in the chat"),
        (endpoint("connected", "data-conf"), "Bob is on the phone"),
        (endpoint("something-new"), "Bob audio-video something-new"),
    ],
)
def test_each_state_has_its_words(now: c3p.Endpoint, words: str) -> None:
    (change,) = changes(None, roster(user("Bob", now)))
    assert told(change) == words


def test_who_has_left_is_not_said_to_be_gone_as_well() -> None:
    was = roster(user("Bob", endpoint("disconnected", how="busy")))
    assert [told(each) for each in changes(was, roster())] == [None]
    was = roster(user("Bob", endpoint("connected")))
    assert [told(each) for each in changes(was, roster())] == ["Bob has left"]


def test_everybody_is_one_line_with_all_that_they_have() -> None:
    ann = user("Ann", endpoint("connected", "focus"), endpoint("connected"), role="presenter")
    bob = user("Bob", endpoint("alerting"))
    assert [line.split() for line in lines(roster(ann, bob), most=9)] == [
        ["Ann", "presenter", "is", "on", "the", "phone"],
        ["Bob", "rings"],
    ]


def test_a_large_roster_is_cut_and_says_so() -> None:
    many = roster(*(user(f"Guest{n}", endpoint("connected", "focus")) for n in range(30)))
    assert len(lines(many, most=10)) == 10
    assert lines(many, most=10)[-1] == "... and 21 more"
    assert len(lines(many, most=30)) == 30


@given(conference_infos(), st.integers(2, 6))
def test_any_roster_has_words(info: c3p.ConferenceInfo, most: int) -> None:
    assert len(lines(info, most=most)) <= most
    assert all(told(each) for each in changes(None, info))
