"""The procedures of one core that wait: their questions, their lines, their time."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, Final, TypeVar

import attrs

from focus import refusal
from focus.errors import LocalProtocolError
from focus.questions.procedure import Kind, Later, Line, Steps, Turn
from focus.refusal import Refusal, Refused
from sip import (
    Deadlines,
    Endpoint,
    Event,
    Flow,
    InviteReceived,
    Networks,
    SubscribeReceived,
    internal_fault,
    source_of,
)

E = TypeVar("E", bound=Event)

#: Questions given up that are remembered, so that a late answer is told from one that nobody asked for.
_REMEMBERED: Final = 10_000

#: A question, by which it is known.
_Name = tuple[Kind, "int | str"]
_Wanted = Later[Any] | Line
#: How a procedure goes on: with an answer (``send``), or with a refusal (``throw``).
_Step = Callable[[Any], _Wanted]


@attrs.define(eq=False)
class _Procedure:
    event: Event  #: what it is about
    asker: Hashable  #: whose end ends it, None for what nobody can withdraw
    turn: Turn
    steps: Steps[None]
    deadline: float
    line: Hashable = attrs.field(factory=object)  #: the one that it is in, or will be; at first one of its own
    question: Later[Any] | None = None  #: what it waits for; None in a line, and while it runs

    @property
    def source(self) -> str | None:
        """Where its request came from, None for what is our own."""
        flow: Flow | None = getattr(self.event, "flow", None)
        return None if flow is None else source_of(flow.remote.host)


class Procedures:
    """Carries out procedures, at once as far as they come.

    ``limit`` is how many may wait at once, ``per_source`` how many of one source, ``timeout`` how long one may, in
    seconds. Faults, and what the application is asked with, go to ``emit``.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        owner: str,
        emit: Callable[[Event], None],
        limit: int,
        per_source: int,
        timeout: float,
    ) -> None:
        self._endpoint = endpoint
        self._owner = owner
        self._emit = emit
        self._limit = limit
        self._per_source = per_source
        self._trusted = Networks(endpoint.config.trusted_networks)
        self._timeout = timeout
        self._open: dict[_Name, _Procedure] = {}
        self._given_up: OrderedDict[_Name, Event | None] = OrderedDict()
        self._lines: dict[Hashable, deque[_Procedure]] = {}
        self._askers: dict[Hashable, _Procedure] = {}
        self._deadlines: Deadlines[_Procedure] = Deadlines()
        self._waiting: set[_Procedure] = set()
        self._of_source: Counter[str] = Counter()
        self._ready: deque[_Procedure] = deque()
        self._next_id = 0
        self.late = 0  #: answers to questions that had been given up

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def new_id(self) -> int:
        """An id for a question."""
        self._next_id += 1
        return self._next_id

    def _has_room(self, procedure: _Procedure) -> bool:
        if procedure in self._waiting:
            return True
        source = procedure.source
        full = source is not None and self._of_source[source] >= self._per_source and source not in self._trusted
        return len(self._waiting) < self._limit and not full

    # Beginning -------------------------------------------------------------------------------------------------------

    def begin(self, steps: Callable[[E, Turn], Steps[None]], event: E, *, asker: Hashable = None, now: float) -> None:
        """Carry out what an event asks for, as far as it comes. Raises what the procedure raises meanwhile."""
        turn = Turn(now)
        procedure = _Procedure(event, asker, turn, steps(event, turn), now + self._timeout)
        try:
            self._go_on(procedure, procedure.steps.send, None, now)
        finally:
            self._go_on_with_lines(now)

    def _go_on(self, procedure: _Procedure, step: _Step, given: Any, now: float) -> None:
        """Let a procedure go on with an answer (``send``) or a refusal (``throw``), until it waits again or is over."""
        procedure.turn.now = now
        try:
            wanted = step(given)
            while True:
                if isinstance(wanted, Line):
                    following = self._enter_line(procedure, wanted)
                else:
                    following = self._ask(procedure, wanted)
                if following is None:
                    return
                wanted = following()
        except StopIteration:
            self._leave(procedure)
        except BaseException:
            self._leave(procedure)
            raise

    def _enter_line(self, procedure: _Procedure, line: Line) -> Callable[[], _Wanted] | None:
        """Change to another line; None when somebody is before it there, else how it goes on."""
        self._leave(procedure)
        procedure.line = line.key
        if line.key not in self._lines:
            return partial(procedure.steps.send, None)
        if not self._has_room(procedure):
            return partial(procedure.steps.throw, Refused(refusal.BUSY))
        self._wait(procedure)
        return None

    def _ask(self, procedure: _Procedure, question: Later[Any]) -> Callable[[], _Wanted] | None:
        """Have a procedure wait for an answer; None when it does, else how it goes on."""
        name = (question.kind, question.id)
        problem: Exception | None = None
        if name in self._open:
            problem = LocalProtocolError(f"{question.kind.value} {question.id!r} is being waited for already")
        elif procedure.turn.now >= procedure.deadline:
            problem = Refused(refusal.NO_ANSWER)
        elif not self._has_room(procedure):
            problem = Refused(refusal.BUSY)
        if problem is not None:
            return partial(procedure.steps.throw, problem)
        self._given_up.pop(name, None)
        self._open[name] = procedure
        procedure.question = question
        self._wait(procedure)
        if question.question is not None:
            self._emit(question.question)
        if question.ask is not None:
            question.ask()
        return None

    def _wait(self, procedure: _Procedure) -> None:
        self._deadlines.set(procedure, procedure.deadline)
        if procedure in self._waiting:
            return
        self._waiting.add(procedure)
        if (source := procedure.source) is not None:
            self._of_source[source] += 1
        if procedure.asker is not None:
            self._askers[procedure.asker] = procedure
        self._lines.setdefault(procedure.line, deque()).append(procedure)

    def _leave(self, procedure: _Procedure) -> None:
        """Wait no longer; the next in its line may go on."""
        if procedure not in self._waiting:
            return
        self._waiting.discard(procedure)
        if (source := procedure.source) is not None:
            self._of_source[source] -= 1
            if not self._of_source[source]:
                del self._of_source[source]
        self._deadlines.set(procedure, None)
        if self._askers.get(procedure.asker) is procedure:
            del self._askers[procedure.asker]
        line = self._lines[procedure.line]
        first = line[0] is procedure
        line.remove(procedure)
        if not line:
            del self._lines[procedure.line]
        elif first:
            self._ready.append(line[0])

    # Going on --------------------------------------------------------------------------------------------------------

    def answer(self, kind: Kind, question_id: int | str, answer: object, *, now: float) -> Event | None:
        """Bring an answer. What had been asked is returned when it was given up before, and the answer comes too late.

        Raises LocalProtocolError when nobody has asked, or somebody has answered.
        """
        return self._answered(kind, question_id, lambda procedure: procedure.steps.send, answer, now)

    def refuse(self, kind: Kind, question_id: int | str, refused: Refusal, *, now: float) -> Event | None:
        """Tell that there is no answer, and how that is refused. Otherwise as `answer`."""
        return self._answered(kind, question_id, lambda procedure: procedure.steps.throw, Refused(refused), now)

    def _answered(
        self,
        kind: Kind,
        question_id: int | str,
        step: Callable[[_Procedure], _Step],
        given: object,
        now: float,
    ) -> Event | None:
        name = (kind, question_id)
        procedure = self._open.pop(name, None)
        if procedure is None:
            if name not in self._given_up:
                raise LocalProtocolError(f"nobody waits for {kind.value} {question_id!r}")
            self.late += 1
            return self._given_up.pop(name)
        procedure.question = None
        self._attempt(procedure, step(procedure), given, now)
        self._go_on_with_lines(now)
        return None

    def knows(self, kind: Kind, question_id: int | str) -> bool:
        """Whether that was asked and not answered yet."""
        name = (kind, question_id)
        return name in self._open or name in self._given_up

    def forget(self, asker: Hashable, *, now: float) -> bool:
        """The asker is gone: its procedure ends where it is, if it has one that waits, and those behind it go on.

        Whether it had one.
        """
        procedure = self._askers.get(asker)
        if procedure is None:
            return False
        self._give_up(procedure)
        procedure.steps.close()
        self._leave(procedure)
        self._go_on_with_lines(now)
        return True

    def flow_closed(self, flow: Flow, *, now: float) -> None:
        """Refuse the joins and subscriptions that were to begin on a connection that is gone; others get their places.

        Commands go on: who gave one may come back on another connection.
        """
        waiting = [procedure for line in self._lines.values() for procedure in line]
        for procedure in waiting:
            event = procedure.event
            begins = isinstance(event, InviteReceived | SubscribeReceived) and event.flow == flow
            if begins and procedure in self._waiting:
                self._give_up(procedure)
                self._attempt(procedure, procedure.steps.throw, Refused(refusal.GONE), now)
        self._go_on_with_lines(now)

    def _give_up(self, procedure: _Procedure) -> None:
        question = procedure.question
        if question is not None:
            name = (question.kind, question.id)
            del self._open[name]
            self._given_up[name] = question.question
            procedure.question = None
            if len(self._given_up) > _REMEMBERED:
                self._given_up.popitem(last=False)

    def _go_on_with_lines(self, now: float) -> None:
        while self._ready:
            procedure = self._ready.popleft()
            if procedure in self._waiting and procedure.question is None and self._is_first(procedure):
                self._attempt(procedure, procedure.steps.send, None, now)

    def _is_first(self, procedure: _Procedure) -> bool:
        return self._lines[procedure.line][0] is procedure

    def _attempt(self, procedure: _Procedure, step: _Step, given: object, now: float) -> None:
        """Let a procedure go on that others than its own event have moved: what it raises is not theirs."""
        event = procedure.event
        try:
            self._go_on(procedure, step, given, now)
        except Exception as error:
            message = getattr(event, "request", None) or b""
            self._emit(internal_fault(error, f"handle {type(event).__name__}", owner=self._owner, message=message))
            self._endpoint.abandon(event, now=now)

    # Time ------------------------------------------------------------------------------------------------------------

    def next_timeout(self) -> float | None:
        """When the next procedure has waited long enough."""
        return self._deadlines.first

    def handle_timeout(self, *, now: float) -> None:
        """Refuse those who have waited long enough."""
        for procedure in self._deadlines.pop_due(now):
            if procedure in self._waiting:
                self._give_up(procedure)
                self._attempt(procedure, procedure.steps.throw, Refused(refusal.NO_ANSWER), now)
        self._go_on_with_lines(now)
