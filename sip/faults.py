"""The net under every machine: what raises though it never should, and what is done then.

Peers cannot make a machine raise, as far as we know; where one does all the same, there are four places that catch
it, each around one thing that was to be done, so that the next thing is done as if nothing had happened:

* the endpoint, around each message, each timer and each waiter for a flow (`Context.fault`);
* the `Pump`, around each call of a core;
* the `Gate`, around each question what changed;
* whoever runs machines that live on no endpoint (``pyc3p.element``), around each call of them.

What was open is answered with 500, and one `InternalFault` reports it. The commands of an application that calls a
machine itself are outside of the net: what is wrong with them raises to the caller.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sized
from typing import Final, Protocol

import attrs

from sip.deadlines import Due
from sip.events import Event
from sip.message.masking import masked_head
from sip.message.message import Message

#: Characters of the text of an error that are kept: it may quote what a peer sent, which has any length.
_MOST_TEXT: Final = 300
#: Seconds for which a machine is not called again whose timeout raised and is due again at once. Doubled each time, up
#: to the second figure, so that a machine that always raises costs nothing, and one that did once goes on soon.
_FIRST_REST: Final = 0.1
_LONGEST_REST: Final = 60.0


@attrs.frozen(kw_only=True)
class InternalFault(Event):
    """A machine raised where nothing may: a fault of this program, whatever a peer sent.

    ``owner`` is the core, or other machine, in which it happened; ``""`` is the endpoint itself. It is never given to
    that core, always to the application or driver.
    """

    doing: str  #: what was being done, such as "handle RequestReceived" or "receive INVITE"
    error: str  #: type and text of the exception
    #: start line and headers of the message that was being handled, credentials covered; empty when there was none
    message: bytes = b""
    exception: Exception = attrs.field(repr=False, eq=False)  #: with its traceback, for a log


def internal_fault(error: Exception, doing: str, *, owner: str = "", message: Message | bytes = b"") -> InternalFault:
    """Describe what was caught. ``message`` as bytes is shown as it is."""
    return InternalFault(
        owner=owner,
        doing=doing,
        error=f"{type(error).__name__}: {_text_of(error)}"[:_MOST_TEXT],
        message=_head_of(message) if isinstance(message, Message) else message,
        exception=error,
    )


def _text_of(error: Exception) -> str:
    try:
        return str(error)
    except Exception:  # an error that cannot even be printed
        return "(no text)"


def _head_of(message: Message) -> bytes:
    try:
        return masked_head(message)
    except Exception:  # what broke may be the message itself
        return b""


class Timed(Protocol):
    """A machine with timers and events."""

    def next_timeout(self) -> float | None:
        """When ``handle_timeout`` is due."""
        ...

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Do what is due."""
        ...

    def take_events(self) -> list[Event]:
        """Events that other calls caused."""
        ...


class Rest:
    """How long something that raised is left alone."""

    __slots__ = ("_seconds", "_until")

    def __init__(self) -> None:
        self._seconds = 0.0
        self._until = 0.0

    def failed(self, now: float) -> None:
        """It raised."""
        self._seconds = min(2 * self._seconds, _LONGEST_REST) or _FIRST_REST
        self._until = now + self._seconds

    def worked(self) -> None:
        """It did not."""
        self._seconds = 0.0

    def after(self, at: float | None) -> float | None:
        """When to call what wants to be called at ``at``."""
        return max(at, self._until) if self._seconds and at is not None else at


class TimedNet:
    """Asks one machine for its time and its events.

    Of a question that is asked again and again, and raises each time, the first failure of a row is reported, all are
    counted.
    """

    __slots__ = ("_asking", "_counters", "_faults", "_machine", "_owner", "_rest", "deadlines", "untaken")

    def __init__(self, machine: Timed, owner: str, faults: list[Event], counters: Counter[str]) -> None:
        """``faults`` takes what is to be reported with the events of the next call."""
        self._machine, self._owner = machine, owner
        #: what the machine's events are gathered in, when it shows that: it need not be asked while there are none
        self.untaken: Sized | None = getattr(machine, "untaken", None)
        self._faults, self._counters = faults, counters
        self.deadlines = self._shown_deadlines()  #: where the machine's times are, when it shows that
        self._asking: set[str] = set()  # questions whose last answer was an exception
        self._rest: Rest | None = None  # since its timeout raised, until one does not

    def _shown_deadlines(self) -> tuple[Due, ...] | None:
        """Those of a machine that shows them, one or several; None for others, and while the machine rests."""
        shown: Due | tuple[Due, ...] | None = getattr(self._machine, "deadlines", None)
        return shown if shown is None or isinstance(shown, tuple) else (shown,)

    def next_timeout(self) -> float | None:
        """When ``handle_timeout`` is due; None when the machine cannot say."""
        try:
            at = self._machine.next_timeout()
        except Exception as error:
            self._failed("next_timeout", error)
            return None
        if self._asking:
            self._asking.discard("next_timeout")
        return at if self._rest is None else self._rest.after(at)

    first = property(next_timeout, doc="``next_timeout``: what a machine without ``deadlines`` shows instead of them.")

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Do what is due, if anything is."""
        due = self.next_timeout()
        if due is None or due > now:
            return []
        try:
            events = self._machine.handle_timeout(now=now)
        except Exception as error:
            self._counters["internal fault"] += 1
            self._rest = self._rest or Rest()
            self._rest.failed(now)
            self.deadlines = None
            return [internal_fault(error, "handle_timeout", owner=self._owner)]
        if self._rest is not None:
            self._rest, self.deadlines = None, self._shown_deadlines()
        return events

    def take_events(self) -> list[Event]:
        """Events that other calls caused."""
        try:
            events = self._machine.take_events()
        except Exception as error:
            self._failed("take_events", error)
            return []
        if self._asking:
            self._asking.discard("take_events")
        return events

    def _failed(self, question: str, error: Exception) -> None:
        self._counters["internal fault"] += 1
        if question not in self._asking:
            self._asking.add(question)
            self._faults.append(internal_fault(error, question, owner=self._owner))
