"""Every document that our elements send is valid by the schemas that we ship (`c3p.validate`)."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

import c3p
from pyc3p.simnet import Meeting
from tests.simulation.test_chat import Chatting
from tests.simulation.test_ways_in import OPEN, Meet, announce, caller, hold, number

DOCS = Path(__file__).parents[2] / "docs"
#: The start of a body that is XML; what is sent is text, and nothing behind it.
_XML = re.compile(rb"\r\n\r\n(?=<)")
#: What is sent by those who are none of ours, or is not for us to describe.
_OTHERS = (b"<html", b"<!doctype")


def documents(meeting: Meeting) -> Iterator[bytes]:
    """What travelled by SIP and HTTP, each once."""
    seen = set()
    for record in meeting.network.recording:
        found = _XML.search(record.data) if record.layer in ("sip", "http") else None
        if found is not None and (body := record.data[found.end() :]) not in seen:
            seen.add(body)
            yield body


def check(meeting: Meeting, *, least: int) -> None:
    """All of them are valid, and there are some."""
    found = list(documents(meeting))
    wrong = [(violations, body) for body in found if (violations := c3p.validate(body))]
    assert wrong == []
    assert len(found) >= least


def test_those_of_a_conference_in_which_everything_is_done_once() -> None:
    pages = runpy.run_path(str(DOCS / "command_pages.py"))
    check(pages["run"](), least=60)


def test_those_of_chat_and_invitations() -> None:
    meeting = Chatting()
    meeting.both_join()
    meeting.say("presenter", "hello & <welcome>")
    meeting.command("presenter", lambda client, now: client.delete_user("sip:wes@example.com", now=now))
    meeting.network.run_for(3.0)
    check(meeting, least=15)


@pytest.mark.parametrize("door", [False, True])
def test_those_of_phones_that_call(meet: Meet, door: bool) -> None:
    meeting = meet(factory=OPEN)
    if door:
        hold(meeting, passcode="2468", admission_policy="anonymous", lobby=True)
    phone = caller(meeting)
    phone.call(number(meeting))
    phone.answered()
    meeting.network.run_for(1.0)
    if door:
        phone.press("1#2468#")
    announce(meeting) if not door else None
    meeting.network.run_for(70.0)
    check(meeting, least=15)


def test_those_of_what_goes_wrong(meet: Meet) -> None:
    meeting = meet()
    meeting.command("watcher", lambda client, now: client.add_user("sip:nobody@example.com", now=now))
    meeting.outcome("presenter", meeting.dial("presenter", "sip:nobody@example.com"))
    meeting.outcome("presenter", meeting.eject("presenter", "sip:nobody@example.com"))
    meeting.outcome("presenter", meeting.dial("presenter", "sip:bob@example.com"))
    meeting.sim.stop("mcu")
    meeting.outcome("presenter", meeting.dial("presenter", "sip:carol@example.com"))
    meeting.network.run_for(30.0)
    check(meeting, least=20)
