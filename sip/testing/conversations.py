"""Whole calls: what two sides do as data, on a pretend network, with everything that crosses it.

A *script* is a sequence of steps: the callee rings and answers, either side holds or hangs up, the caller gives up.
`perform` plays one; `conversations` gives the messages of whole calls, for whatever reads traffic (a ladder, a log, a
proxy)::

    @given(networks(), scripts())
    def test_every_call_ends(net, script):
        alice, bob = net.agent("alice"), net.agent("bob")
        call = perform(script, caller=alice, callee=bob)
        assert call.ended, net.ladder()

With ``scripts(sides=(Side.CALLER,))`` the callee is left to a core of your own (`Agent.run_core`).
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Callable, Collection, Mapping
from typing import Final

import attrs
from hypothesis import strategies as st

from sip.errors import LocalProtocolError
from sip.events import (
    Event,
    InviteReceived,
    ReinviteReceived,
    RequestReceived,
    SessionAnswered,
    SessionCancelled,
    SessionEnded,
    SessionFailed,
    UpdateReceived,
)
from sip.ids import SessionId, TransactionId
from sip.message.parsing import parse_message
from sip.message.request import Request
from sip.message.response import Response
from sip.testing.agent import Agent
from sip.testing.network import Network

_SDP: Final = "application/sdp"
_BODY: Final = b"v=0\r\n"  # endpoints do not look into descriptions
#: Seconds that a call is given to come to its end: longer than an unanswered INVITE lives, and its transactions after.
_PATIENCE: Final = 500.0


class Side(enum.Enum):
    """Who does something."""

    CALLER = "caller"
    CALLEE = "callee"


class Act(enum.Enum):
    """What somebody does in a call."""

    RING = "180"
    PROGRESS = "183 with a description"
    ANSWER = "200"
    REJECT = "486"
    CANCEL = "CANCEL"
    REINVITE = "re-INVITE"
    UPDATE = "UPDATE"
    INFO = "INFO"
    BYE = "BYE"


@attrs.frozen
class Step:
    """One act, ``wait`` seconds after the one before."""

    wait: float
    side: Side
    act: Act


@attrs.frozen
class Spoken:
    """A message that one side sent."""

    at: float  #: seconds of the network's clock
    side: Side
    message: Request | Response


@attrs.frozen(kw_only=True)
class Call:
    """What became of a script."""

    messages: tuple[Spoken, ...]  #: in the order of sending, with repetitions and what got lost
    outcomes: Mapping[Side, tuple[Event, ...]]  #: terminal events; a callee that never heard of the call has none

    @property
    def ended(self) -> bool:
        """Whether each side was told of the end as it should: the caller once, the callee at most once."""
        return len(self.outcomes[Side.CALLER]) == 1 and len(self.outcomes[Side.CALLEE]) <= 1


# Strategies ----------------------------------------------------------------------------------------------------------


def networks(
    *,
    losses: Collection[float] = (0.0, 0.1, 0.3),
    duplications: Collection[float] = (0.0, 0.2),
    jitters: Collection[float] = (0.0, 0.3),
) -> st.SearchStrategy[Network]:
    """Pretend networks, from perfect to bad: probabilities of one datagram, and seconds of jitter, which reorders."""
    return st.builds(
        Network,
        st.integers(0, 10_000),
        loss=st.sampled_from(sorted(losses)),
        duplication=st.sampled_from(sorted(duplications)),
        jitter=st.sampled_from(sorted(jitters)),
    )


@st.composite
def scripts(
    draw: st.DrawFn,
    *,
    sides: Collection[Side] = tuple(Side),
    talk: Collection[Act] = (Act.REINVITE, Act.UPDATE, Act.INFO),
) -> tuple[Step, ...]:
    """What may happen in a call: it rings, is answered, refused or given up, goes on with ``talk``, and is ended.

    Acts may cross: a BYE from both sides, a re-INVITE from both sides, a CANCEL and the answer. Only ``sides`` act.
    """
    waits = st.sampled_from((0.0, 0.005, 0.02, 1.0, 5.0))
    acts = [(Side.CALLEE, act) for act in draw(st.lists(st.sampled_from((Act.RING, Act.PROGRESS)), max_size=2))]
    answer = (Side.CALLEE, Act.ANSWER)
    beginnings = [
        [answer],
        [(Side.CALLEE, Act.REJECT)],
        [(Side.CALLER, Act.CANCEL)],
        [(Side.CALLER, Act.CANCEL), answer],
    ]
    acts += draw(st.sampled_from(beginnings))
    if acts[-1] == answer:
        acts += draw(st.lists(st.tuples(st.sampled_from(Side), st.sampled_from(sorted(talk, key=str))), max_size=4))
        acts += draw(st.lists(st.tuples(st.sampled_from(Side), st.just(Act.BYE)), min_size=1, max_size=2))
    return tuple(Step(draw(waits), side, act) for side, act in acts if side in sides)


@st.composite
def conversations(draw: st.DrawFn, *, lossy: bool = False) -> tuple[Spoken, ...]:
    """All messages of one call over UDP, in the order in which they were sent; ``lossy`` ones with repetitions."""
    net = draw(networks()) if lossy else Network(draw(st.integers(0, 10_000)))
    call = perform(draw(scripts()), caller=net.agent("alice"), callee=net.agent("bob"))
    return call.messages


# Playing -------------------------------------------------------------------------------------------------------------


def perform(
    script: Collection[Step], *, caller: Agent, callee: Agent, transport: str = "udp", patience: float = _PATIENCE
) -> Call:
    """Call, do the steps, end what is not ended, and let ``patience`` seconds pass.

    A step that is impossible by then (the other side hung up before) is left out. Requests inside the call are
    answered 200 by both sides. Both agents live on one network; the callee acts through its usual core.
    """
    net = caller.net
    start = len(net.log)
    play = _Play(caller, callee)
    play.sessions[Side.CALLER] = session = caller.invite(callee.uri(transport))
    for step in script:
        net.run(step.wait)
        play.act(step.side, step.act)
    net.run(1.0)
    play.act(Side.CALLER, Act.BYE if _answered(caller, session) else Act.CANCEL)
    net.run(patience)
    spoken = [
        Spoken(each.at, Side.CALLER if each.by == caller.name else Side.CALLEE, parse_message(each.data))
        for each in net.log[start:]
        if each.by in (caller.name, callee.name)
    ]
    return Call(messages=tuple(spoken), outcomes={side: play.outcomes(side) for side in Side})


def _answered(agent: Agent, session: SessionId) -> bool:
    return any(event.session == session for event in agent.of(SessionAnswered))


class _Play:
    """The acts of both sides as commands to their endpoints."""

    def __init__(self, caller: Agent, callee: Agent) -> None:
        self.sessions: dict[Side, SessionId] = {}
        self._agents = {Side.CALLER: caller, Side.CALLEE: callee}
        for side, agent in self._agents.items():
            self._arm(side, agent)

    def _arm(self, side: Side, agent: Agent) -> None:
        agent.on(RequestReceived, lambda event: self._respond(agent, event.transaction, b""))
        agent.on(ReinviteReceived, lambda event: self._respond(agent, event.transaction, _BODY))
        agent.on(UpdateReceived, lambda event: self._respond(agent, event.transaction, _BODY))
        if side is Side.CALLEE:
            agent.on(InviteReceived, lambda event: self.sessions.setdefault(side, event.session))

    def _respond(self, agent: Agent, transaction: TransactionId | None, body: bytes) -> None:
        if transaction is not None:
            agent.endpoint.respond(transaction, 200, body=body, content_type=_SDP if body else None, now=agent.net.now)

    def act(self, side: Side, act: Act) -> None:
        """Do something, if it is possible now."""
        session = self.sessions.get(side)
        if session is not None:
            with contextlib.suppress(LocalProtocolError):
                self._commands(self._agents[side], session)[act]()

    def _commands(self, agent: Agent, session: SessionId) -> Mapping[Act, Callable[[], object]]:
        endpoint, now = agent.endpoint, agent.net.now
        return {
            Act.RING: lambda: endpoint.progress(session, now=now),
            Act.PROGRESS: lambda: endpoint.progress(
                session, 183, body=_BODY, content_type=_SDP, reliable=True, now=now
            ),
            Act.ANSWER: lambda: endpoint.accept(session, body=_BODY, content_type=_SDP, now=now),
            Act.REJECT: lambda: endpoint.reject(session, 486, now=now),
            Act.CANCEL: lambda: endpoint.cancel(session, now=now),
            Act.REINVITE: lambda: endpoint.reinvite(session, body=_BODY, content_type=_SDP, now=now),
            Act.UPDATE: lambda: endpoint.update(session, body=_BODY, content_type=_SDP, now=now),
            Act.INFO: lambda: endpoint.request_in_session(session, "INFO", now=now),
            Act.BYE: lambda: endpoint.bye(session, now=now),
        }

    def outcomes(self, side: Side) -> tuple[Event, ...]:
        """Return the terminal events of a side's session."""
        session, agent = self.sessions.get(side), self._agents[side]
        kinds = (SessionFailed, SessionEnded) if side is Side.CALLER else (SessionCancelled, SessionEnded)
        return tuple(event for event in agent.events if isinstance(event, kinds) and event.session == session)
