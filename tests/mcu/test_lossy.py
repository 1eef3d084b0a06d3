"""Whatever phones, networks and presenters do: each call ends once, each command is answered once, nothing is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from c3p import Code, ConferenceInfo, ConferenceKeys, DeleteConference, ExchangeFailure, GetConference, Reply, Response
from mcu import ConferenceEndCause, ConferenceEnded, LegConnected, LegDialing, LegEnded, MediaPortReleased
from sip import InviteReceived, SipError
from tests.mcu.harness import CONFERENCE, Phone, World, answering, guid, refusing, ringing, silent

Script = Callable[[Phone, InviteReceived], None]


def moved(phone: Phone, event: InviteReceived) -> None:
    phone.ring()
    phone.refuse(302, ("Contact", "<sip:x@198.51.100.1>, <sip:x@198.51.100.2>"))


def nonsense(phone: Phone, event: InviteReceived) -> None:
    phone.answer(b"nonsense")


SCRIPTS: list[Script] = [answering, ringing, silent, moved, nonsense, refusing(486), refusing(603), refusing(503)]
ACTIONS = ["dial", "dial", "eject", "answer", "hang up", "wait", "lose focus"]


class Trouble:
    """A network that loses a fifth of everything, in a way that a seed decides."""

    def __init__(self, world: World, seed: int) -> None:
        self.random = Random(seed)
        world.drop = lambda data: self.random.random() < 0.2
        world.fate = self.fate

    def fate(self) -> Reply | ExchangeFailure:
        draw = self.random.random()
        if draw < 0.1:
            return ExchangeFailure.CONNECT
        return ExchangeFailure.TIMEOUT if draw < 0.2 else Reply(200)


def act(world: World, action: str, number: int) -> None:
    phone = world.phones[f"198.51.100.{number}"]
    phone.now = world.now
    try:
        if action == "dial":
            world.dial(number, endpoint=guid(100 + world.requests))
        elif action == "eject":
            world.eject(number)
        elif action == "answer" and phone.invites:
            phone.answer()
        elif action == "hang up" and phone.session is not None:
            phone.hang_up()
        elif action == "wait":
            world.run(4.0 * number)
        elif action == "lose focus":
            before, world.fate = world.fate, lambda: ExchangeFailure.CONNECT
            world.run(10.0 * number)
            world.fate = before
    except SipError:
        pass  # The phone did what its call does not allow any more: its own mistake.
    world.run(0.3)


def believed(world: World) -> ConferenceInfo:
    """What a Focus knows that follows the rules for versions, and asks when it missed something."""
    known: ConferenceInfo | None = None
    for info in world.focus.notifications:
        assert info.version is not None
        if known is not None and known.version is not None and info.version <= known.version:
            continue
        gap = known is None or known.version is None or info.version > known.version + 1
        assert info.state == "full" or not gap, "a change was lost and the next document was not whole"
        known = info if info.state == "full" else known and known.apply(info)
    assert known is not None
    return known


def endpoints(info: ConferenceInfo | None) -> dict[str, str | None]:
    users = info.users.users if info is not None and info.users is not None else ()
    return {endpoint.entity: endpoint.status for user in users for endpoint in user.endpoints}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**32),
    scripts=st.lists(st.sampled_from(SCRIPTS), min_size=3, max_size=3),
    actions=st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(1, 3)), min_size=1, max_size=10),
)
def test_every_call_ends_once_and_every_command_is_answered(
    seed: int, scripts: list[Script], actions: list[tuple[str, int]]
) -> None:
    world = World(ring_timeout=10.0)
    world.start()
    for number, script in enumerate(scripts, 1):
        world.phone(number, script)
    Trouble(world, seed)
    for action, number in actions:
        act(world, action, number)
    # From here on nothing is lost, and everybody has time to find out.
    world.drop, world.fate = (lambda data: False), (lambda: Reply(200))
    world.run(50.0)
    reply = world.post(GetConference(conference_keys=ConferenceKeys(conf_entity=CONFERENCE)))
    if world.mcu.conferences:
        assert reply.document is not None
        assert isinstance(reply.document.command, GetConference)
        truth = endpoints(reply.document.command.conference_info)
        assert endpoints(believed(world)) == truth
        assert len(truth) == world.mcu.legs
    world.post(DeleteConference(conference_keys=ConferenceKeys(conf_entity=CONFERENCE)))
    world.run(40.0)
    check_the_end(world)


def check_the_end(world: World) -> None:
    ended = Counter(event.leg for event in world.events if isinstance(event, LegEnded))
    assert ended == Counter(set(world.ports_asked)), "each call ends exactly once"
    assert {event.leg for event in world.events if isinstance(event, LegDialing | LegConnected)} <= set(ended)
    released = Counter(event.leg for event in world.events if isinstance(event, MediaPortReleased))
    assert released == ended, "each port is given back exactly once"
    final: dict[str, set[tuple[Code, str | None]]] = {}
    for document in world.focus.documents:
        if isinstance(document, Response) and document.final:
            final.setdefault(document.request_id, set()).add((document.code, document.reason))
    lost = any(
        isinstance(event, ConferenceEnded) and event.cause is ConferenceEndCause.FOCUS_LOST for event in world.events
    )
    for request_id, reply in world.replies.items():
        if reply.document is not None and reply.document.code is Code.PENDING:
            if lost and request_id not in final:
                continue  # The Focus was away for a minute: nobody was there to be told.
            assert len(final[request_id]) == 1, "one final response, however often it is sent"
    assert (world.mcu.legs, world.mcu.conferences) == (0, ())
    assert world.mcu.next_timeout() is None
    assert world.mcu.next_tick() is None
