"""However phones, presenters and the Focus behave, a conference that is over leaves nothing on the MCU."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from c3p import ConferenceKeys, DeleteConference, ExchangeFailure, Reply
from mcu import ConferenceEnded, LegEnded
from sip import LocalProtocolError
from sip.testing import held
from tests.mcu.harness import CONFERENCE, World, answering, refusing, ringing, silent

#: What is fixed from the start, or remembered within a limit.
KEPT = (
    *("_listen", "_sent_by", "listen", "_entries", "_by_owner", "_known_as", "_by_hop", "proven", "_avoided"),
    *("ended", "_heap", "counters", "config", "_begun", "_counts"),
    "_rows",  # which command is carried out by whom
)

PHONES = {
    "answers": answering,
    "rings": ringing,
    "says nothing": silent,
    "is busy": refusing(486),
    "moved": refusing(302, ("Contact", "<sip:user7@198.51.100.7>")),
    "wants a password": refusing(401, ("WWW-Authenticate", 'Digest realm="example.com", nonce="n"')),
}

ACTS = (
    *("dial", "dial", "dial", "announce", "eject", "phone hangs up", "phone dies", "no ports", "ports"),
    *("focus away", "focus back", "focus forgets"),
)

ANSWERS: dict[str, Reply | ExchangeFailure] = {
    "focus away": ExchangeFailure.CONNECT,
    "focus back": Reply(200),
    "focus forgets": Reply(404),
}


@given(
    phones=st.lists(st.sampled_from(sorted(PHONES)), min_size=1, max_size=4),
    script=st.lists(
        st.tuples(st.sampled_from(ACTS), st.integers(0, 3), st.sampled_from((0.0, 0.1, 1.0, 3.0))), max_size=8
    ),
    end=st.sampled_from(("deleted", "forgotten", "closed")),
)
@settings(max_examples=15, deadline=None)
def test_a_conference_that_is_over_leaves_nothing(
    phones: list[str], script: list[tuple[str, int, float]], end: str
) -> None:
    # Short times: every second of a leg with media is fifty turns of the mixer.
    world = World(dead_media=3.0, focus_timeout=3.0, focus_probe=1.0, ring_timeout=4.0, reservation_timeout=4.0)
    world.start()
    known = [world.phone(7 + number, PHONES[kind]) for number, kind in enumerate(phones)]
    dialled = 0
    for act, which, wait in script:
        number = which % len(known)
        phone = known[number]
        if act == "dial":
            dialled += 1
            world.dial(7 + number, endpoint=f"{{00000000-0000-4000-8000-{dialled:012X}}}")
        elif act == "announce":
            dialled += 1
            endpoint = f"{{00000000-0000-4000-8000-{dialled:012X}}}"
            world.dial(7 + number, method="dialed-in", endpoint=endpoint)
        elif act == "eject":
            world.eject(7 + number)
        elif act == "phone hangs up" and phone.session is not None:
            with contextlib.suppress(LocalProtocolError):
                phone.endpoint.bye(phone.session, now=world.now)
            world.settle()
        elif act == "phone dies":
            world.lost.add(f"198.51.100.{7 + number}")
        elif act in ("no ports", "ports"):
            world.ports = "open" if act == "ports" else "never"
        elif act in ANSWERS:
            world.focus.reply = ANSWERS[act]
        world.run(wait)
    if end == "deleted":
        world.post(DeleteConference(conference_keys=ConferenceKeys(conf_entity=CONFERENCE)))
    elif end == "closed":
        world.mcu.close(now=world.now)
        world.settle()
    else:
        world.focus.reply = Reply(404)
    world.run(240.0)
    assert held(world.mcu, but=KEPT) == {}, world.events
    assert len([event for event in world.events if isinstance(event, ConferenceEnded)]) == 1
    legs = [event.leg for event in world.events if isinstance(event, LegEnded)]
    assert len(legs) == len(set(legs))
