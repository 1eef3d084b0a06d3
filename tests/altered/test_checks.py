"""The checks find what they are for."""

import attrs
import pytest

from sip import Event, InternalFault, internal_fault
from sip.testing import Alteration, Crossing, How, faults, leftovers, scenes, unanswered

ASKED = (
    b"MESSAGE sip:b@b.example SIP/2.0\r\nVia: SIP/2.0/UDP a.example;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
    b"From: <sip:a@a.example>;tag=1\r\nTo: <sip:b@b.example>\r\nCall-ID: c\r\nCSeq: 1 MESSAGE\r\n"
    b"Content-Length: 0\r\n\r\n"
)


def answer(status: int, tag: str = "2") -> bytes:
    lines = ASKED.split(b"\r\n")
    lines[0] = b"SIP/2.0 %d X" % status
    return b"\r\n".join(lines).replace(b"<sip:b@b.example>", b"<sip:b@b.example>;tag=" + tag.encode())


def crossed(sender: str, receiver: str, data: bytes, arrived: bytes | None = None, flow: object = None) -> Crossing:
    return Crossing(
        sender=sender, receiver=receiver, flow=flow, sent=data, arrived=data if arrived is None else arrived
    )


ASKING = crossed("a", "b", ASKED)


def test_a_request_with_one_answer_is_right_however_often_both_are_repeated() -> None:
    assert unanswered([ASKING, crossed("b", "a", answer(200))]) == []
    assert unanswered([ASKING, ASKING, *[crossed("b", "a", answer(200))] * 3]) == []


@pytest.mark.parametrize(
    "answers", [[], [answer(100)], [answer(200), answer(400)], [answer(200), answer(200, "3")]], ids=str
)
def test_no_answer_and_two_answers_are_found(answers: list[bytes]) -> None:
    assert len(unanswered([ASKING, *[crossed("b", "a", each) for each in answers]])) == 1


def test_the_answer_counts_as_it_was_sent_and_the_request_as_it_arrived() -> None:
    assert unanswered([ASKING, crossed("b", "a", answer(200), b"junk")]) == []
    assert unanswered([crossed("a", "b", ASKED, ASKED.replace(b"Via: SIP/2.0/UDP", b"Via: "))]) == []
    assert unanswered([crossed("a", "b", ASKED, ASKED.replace(b"MESSAGE", b"ACK"))]) == []


def test_requests_on_a_stream_are_found_wherever_it_is_cut() -> None:
    whole = ASKED + ASKED.replace(b"bK1", b"bK2")
    pieces = [crossed("a", "b", b"", whole[at : at + 50], flow=1) for at in range(0, len(whole), 50)]
    assert len(unanswered(pieces)) == 2


def test_what_is_kept_and_what_raised_is_told() -> None:
    assert leftovers(one={"dialogs": 0}, other={"dialogs": 2}) == ["other still has 2 dialogs"]
    fault: InternalFault = internal_fault(ValueError("no"), "handle X")
    assert len(faults(one=[Event(owner=""), fault], other=[])) == 1


def test_an_alteration_does_what_it_says() -> None:
    alter = Alteration(message=0, line=1, how=How.REMOVE, junk="junk")
    assert alter.apply(ASKED) == ASKED.replace(b"Max-Forwards: 70\r\n", b"")
    for how, line in {
        How.EMPTY: b"Max-Forwards:",
        How.REPLACE: b"Max-Forwards: junk",
        How.DOUBLE: b"Max-Forwards: 70\r\nMax-Forwards: 70",
        How.PART: b"Max-Forwards: junk",
        How.APPEND: b"Max-Forwards: 70junk",
    }.items():
        changed = attrs.evolve(alter, how=how).apply(ASKED)
        assert changed == ASKED.replace(b"Max-Forwards: 70", line), how


@pytest.mark.parametrize("transport", scenes.TRANSPORTS)
@pytest.mark.parametrize("conversation", scenes.CONVERSATIONS)
def test_a_conversation_that_nobody_disturbs_is_all_right(conversation: str, transport: str) -> None:
    scene = scenes.Scene(transport)
    scenes.CONVERSATIONS[conversation](scene)
    scene.finish()
    assert scene.complaints() == []
    assert scene.proper_call() == []


def test_a_site_that_drops_requests_is_found() -> None:
    scene = scenes.Scene("udp")
    scene.site.deaf = True
    scenes.CONVERSATIONS["registration"](scene)
    scene.finish()
    assert scene.complaints() != []
    assert scene.proper_call() != []


@pytest.mark.parametrize("transport", scenes.TRANSPORTS)
@pytest.mark.parametrize("how", [How.DOUBLE, How.DOUBLE_JUNK, How.REPLACE])
def test_an_answer_with_strange_vias_still_finds_its_way_back_through_a_proxy(how: How, transport: str) -> None:
    junk = f"SIP/2.0/{transport.upper()} 192.0.2.77;branch=z9hG4bKother"
    for line in (0, 1):
        alteration = Alteration(message=8, line=line, how=how, junk=junk, word=1)  # the 487 of the phone
        assert scenes.play(scenes.Plan("cancelled call through proxy", transport, alteration)) == []
