"""Judges raise nothing, whatever the messages hold."""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st

from sip import Request, SipError, parse_message
from sip.testing import Passage, check_offer_answer, check_request, check_traffic, exchanged
from tests.sip.test_judging_changed_calls import CANCELLED, REFUSED, TALK, call

JUNK = (b"", b" ", b";", b"<", b'"', b"\xff", b"0", b"4294967296", b"-1", b"sip:", b"*", b", ,", b";tag=", b"a;b=c;b=d")
EDITS = st.tuples(st.integers(0, 40), st.integers(0, 14), st.integers(0, 40), st.sampled_from((None, *JUNK)))


def edited(passage: Passage, place: int, start: int, junk: bytes | None) -> Passage | None:
    """The message with one line broken from somewhere on, or left out; None when it is no message any more."""
    lines = bytes(passage.message).split(b"\r\n")
    place %= len(lines)
    lines[place : place + 1] = [] if junk is None else [lines[place][:start] + junk + lines[place][start + 3 :]]
    try:
        return attrs.evolve(passage, message=parse_message(b"\r\n".join(lines)))
    except SipError:
        return None


@given(st.sampled_from((TALK, REFUSED, CANCELLED)), st.lists(EDITS, min_size=1, max_size=6))
def test_whatever_passes_is_judged(script: tuple[object, ...], edits: list[tuple[int, int, int, bytes | None]]) -> None:
    seen = list(call(script))  # type: ignore[arg-type]
    for number, place, start, junk in edits:
        number %= len(seen)
        seen[number] = edited(seen[number], place, start, junk) or seen[number]
    check_traffic(seen, until=100.0)
    check_offer_answer(seen)
    exchanged(seen)
    for each in seen:
        if isinstance(each.message, Request):
            check_request(each.message, transport="TCP")
