"""What users of sip.testing get: whole calls over pretend networks, and cores of their own on them."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from sip import (
    Claim,
    Endpoint,
    Event,
    InviteReceived,
    Registrar,
    RegistrarConfig,
    Request,
    ResponseReceived,
    SeededEntropy,
    SessionAnswered,
    SessionEnded,
    SessionFailed,
    SessionId,
)
from sip.testing import Act, Network, Side, Spoken, Step, conversations, networks, perform, scripts

TALK = (Step(0.0, Side.CALLEE, Act.RING), Step(1.0, Side.CALLEE, Act.ANSWER))


@given(networks(), scripts(), st.sampled_from(["udp", "tcp"]))
@settings(max_examples=60, deadline=None)
def test_every_script_comes_to_one_end_and_leaves_nothing(
    net: Network, script: tuple[Step, ...], transport: str
) -> None:
    alice, bob = net.agent("alice"), net.agent("bob")
    call = perform(script, caller=alice, callee=bob, transport=transport)
    assert call.ended, net.ladder()
    assert alice.idle, net.ladder()
    assert bob.idle, net.ladder()


@given(conversations())
@settings(max_examples=60, deadline=None)
def test_a_conversation_is_one_call_and_complete(spoken: tuple[Spoken, ...]) -> None:
    assert len({each.message.call_id for each in spoken}) == 1
    assert [each.at for each in spoken] == sorted(each.at for each in spoken)
    first = spoken[0].message
    assert isinstance(first, Request)
    assert first.method == "INVITE"
    requests = [each for each in spoken if isinstance(each.message, Request)]
    for side in Side:
        sent = [each.message.cseq for each in requests if each.side is side]
        numbers = [cseq.number for cseq in sent if cseq.method != "ACK"]
        assert numbers == sorted(numbers)
    finals = Counter(
        each.message.via[0].branch
        for each in spoken
        if not isinstance(each.message, Request) and each.message.status >= 200
    )
    for each in requests:
        if isinstance(each.message, Request) and each.message.method != "ACK":
            assert finals[each.message.via[0].branch], each


@given(conversations(lossy=True))
@settings(max_examples=30, deadline=None)
def test_a_lossy_conversation_repeats_itself_byte_for_byte(spoken: tuple[Spoken, ...]) -> None:
    sent: dict[tuple[str | None, str], bytes] = {}
    for each in spoken:
        if isinstance(each.message, Request):
            key = each.message.via[0].branch, each.message.method
            assert sent.setdefault(key, bytes(each.message)) == bytes(each.message)


def test_a_script_is_followed_in_time_and_order() -> None:
    net = Network()
    steps = (
        *TALK,
        Step(2.0, Side.CALLEE, Act.REINVITE),
        Step(1.0, Side.CALLER, Act.INFO),
        Step(1.0, Side.CALLEE, Act.BYE),
    )
    call = perform(steps, caller=net.agent("alice"), callee=net.agent("bob"))
    assert net.sent("INVITE") == [0.0, 3.0]
    assert net.sent("INFO") == [4.0]
    assert net.sent("BYE") == [5.0]
    assert {each.side for each in call.messages if isinstance(each.message, Request)} == set(Side)
    assert [type(event) for event in call.outcomes[Side.CALLER]] == [SessionEnded]


def test_steps_that_are_impossible_by_then_are_left_out() -> None:
    net = Network()
    steps = (Step(0.1, Side.CALLEE, Act.REJECT), Step(1.0, Side.CALLEE, Act.ANSWER), Step(0.0, Side.CALLER, Act.INFO))
    call = perform(steps, caller=net.agent("alice"), callee=net.agent("bob"))
    assert [type(event) for event in call.outcomes[Side.CALLER]] == [SessionFailed]
    assert call.outcomes[Side.CALLEE] == ()
    assert call.ended


class SlowPhone:
    """A core of a user: answers two seconds after it was called."""

    owner = "slow"

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._waiting: dict[SessionId, float] = {}
        endpoint.add_core(self.owner, lambda request, flow: True, claim=Claim.ELEMENT, methods=("INVITE",))

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        if isinstance(event, InviteReceived):
            self._waiting[event.session] = now + 2.0
        return [event]

    def next_timeout(self) -> float | None:
        return min(self._waiting.values(), default=None)

    def handle_timeout(self, *, now: float) -> list[Event]:
        for session in [session for session, at in self._waiting.items() if at <= now]:
            del self._waiting[session]
            self._endpoint.accept(session, now=now)
        return []

    def take_events(self) -> list[Event]:
        return []


def test_a_core_of_a_user_lives_on_an_agent() -> None:
    net = Network(latency=0.01)
    alice, bob = net.agent("alice"), net.agent("bob", core=False)
    bob.run_core(SlowPhone(bob.endpoint))
    call = perform((Step(3.0, Side.CALLER, Act.BYE),), caller=alice, callee=bob)
    assert net.sent("200 OK", bob) == [2.01, 3.01]
    assert alice.one(SessionAnswered)
    assert call.ended
    assert bob.kinds() == ["InviteReceived", "SessionConfirmed", "SessionEnded"]
    assert alice.idle
    assert bob.idle


def test_the_registrar_lives_on_an_agent() -> None:
    net = Network(loss=0.2, seed=5)
    alice, server = net.agent("alice"), net.agent("server", core=False)
    config = RegistrarConfig(domains=("example.com",))
    registrar = server.run_core(Registrar(server.endpoint, config, entropy=SeededEntropy(b"registrar")))
    alice.ask(server.uri(), "REGISTER", headers=[("Contact", f"<{alice.uri()}>"), ("Expires", "60")])
    net.run(30)
    assert alice.one(ResponseReceived).response.status == 200
    assert [str(each.uri) for each in registrar.lookup("sip:callee@example.com")] == [alice.uri()]
    assert "BindingsChanged" in server.kinds()
    net.run(70)
    assert registrar.lookup("sip:callee@example.com") == ()
