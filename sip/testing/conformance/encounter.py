"""One element and one tester on a network in virtual time, and what is written down of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from sip.errors import RemoteProtocolError
from sip.flow import Address
from sip.message.parsing import parse_message
from sip.message.request import Request
from sip.message.response import Response
from sip.testing.clock import VirtualClock
from sip.testing.conformance.element import ELEMENT, SipElement
from sip.testing.judges.finding import Finding, Force
from sip.testing.judges.passage import Passage

#: Where the tester is, and the proxy through which it lets requests go when it sets Record-Route.
TESTER: Final = Address("192.0.2.99", 5060)
PROXY: Final = Address("192.0.2.98", 5060)
#: Seconds from one to the other.
LATENCY: Final = 0.01
#: Things at one instant after which the element counts as never coming to rest.
MAX_ROUNDS: Final = 2_000


class NotConforming(AssertionError):
    """The element did what its source does not allow. ``findings`` say what, ``story`` shows how it came to be."""

    def __init__(self, findings: list[Finding], story: str, case: str) -> None:
        self.findings = findings
        self.story = story
        self.case = case  #: what was being done when it was seen
        lines = [f"{finding}" for finding in findings]
        super().__init__("\n".join([f"while: {case}", *lines, "", story]))


@attrs.frozen
class Passed:
    """One datagram, who sent it when, and why where the tester did."""

    at: float
    by_tester: bool
    remote: Address  #: of the tester's side
    data: bytes
    message: Request | Response | None
    why: str = ""

    def __str__(self) -> str:
        way = "tester -> element" if self.by_tester else "tester <- element"
        message = self.message
        if isinstance(message, Request):
            what = f"{message.method} {message._uri_text} ({message.headers.get('CSeq')})"
        elif isinstance(message, Response):
            what = f"{message.status} {message.reason} ({message.headers.get('CSeq')})"
        else:
            what = repr(self.data[:40])
        return f"{self.at:9.3f}  {way}  {what}" + (f"    {self.why}" if self.why else "")


@attrs.define(eq=False)
class _Owed:
    """Something that has to happen by a time."""

    by: float
    paid: Callable[[], bool]
    case: str
    finding: Finding


class Encounter:
    """Carries datagrams, lets time pass, and collects what was found."""

    def __init__(self, element: SipElement, receive: Callable[[Passed], None]) -> None:
        """``receive`` is the tester's: it is called for whatever the element sent, when it arrives."""
        self.element = element
        self.log: list[Passed] = []
        self.findings: list[Finding] = []
        self.found_by: list[str] = []  #: the case to which each of them belongs
        self.case = ""  #: what is being done, or was when what is looked at began
        self.rubbish: list[bytes] = []  #: what was sent that is no SIP message, or a broken one
        self._receive = receive
        self._clock = VirtualClock()
        self._owed: list[_Owed] = []

    @property
    def now(self) -> float:
        """Virtual seconds since the beginning."""
        return self._clock.now

    def send(self, data: bytes, why: str, source: Address = TESTER) -> None:
        """Let bytes arrive at the element."""
        self.log.append(Passed(self.now, True, source, data, _read(data), why))
        self._clock.after(LATENCY, lambda: self._arrive(data, source))

    def _arrive(self, data: bytes, source: Address) -> None:
        self.element.receive_datagram(data, source, now=self.now)
        self._flush()

    def blame(self, source: str, force: Force, clause: str, seen: str, *messages: Request | Response) -> None:
        """Note that something is not as its source wants it."""
        self.note(Finding(source=source, force=force, clause=clause, seen=seen, messages=messages))

    def note(self, *findings: Finding) -> None:
        """Note findings of a judge."""
        self.findings += findings
        self.found_by += [self.case] * len(findings)

    def raised(self, error: Exception) -> NotConforming:
        """What the element raised, as a finding, with what it had been sent last and what came before."""
        came = next((each for each in reversed(self.log) if each.by_tester), None)
        finding = Finding(
            source="SipElement",
            force=Force.MUST,
            clause="whatever arrives, and whatever is due, nothing raises",
            seen=f"{type(error).__name__}: {error}",
            messages=() if came is None else (came.message or came.data,),
        )
        return NotConforming([finding], self.story(), self.case)

    def expect(
        self,
        within: float,
        paid: Callable[[], bool],
        source: str,
        force: Force,
        clause: str,
        seen: str,
        *messages: Request | Response,
    ) -> None:
        """Something is to have happened so many seconds from now, or its absence is a finding."""
        finding = Finding(source=source, force=force, clause=clause, seen=seen, messages=messages)
        self._owed.append(_Owed(self.now + within, paid, self.case, finding))

    # Time

    def flush(self) -> None:
        """Take what the element wants to send after it was told to do something."""
        self._flush()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        end, clock, rounds, at = self.now + seconds, self._clock, 0, self.now
        while True:
            self._flush()
            self._collect()
            times = (clock.next_at(), self.element.next_timeout(), *(owed.by for owed in self._owed))
            due = min((each for each in times if each is not None), default=end + 1.0)
            if due > end:
                clock.move_to(end)
                return
            rounds = rounds + 1 if self.now == at else 0
            at = self.now
            if rounds > MAX_ROUNDS:
                raise AssertionError(f"the element does not come to rest\n{self.story()}")
            clock.move_to(due)
            while clock.step(clock.now):
                pass
            wanted = self.element.next_timeout()
            if wanted is not None and wanted <= self.now:
                self.element.handle_timeout(now=self.now)

    def _collect(self) -> None:
        due = [owed for owed in self._owed if owed.by <= self.now]
        if due:
            self._owed = [owed for owed in self._owed if owed.by > self.now]
            for owed in due:
                if not owed.paid():
                    self.case = owed.case
                    self.note(owed.finding)

    def _flush(self) -> None:
        for data, remote in self.element.datagrams_to_send():
            passed = Passed(self.now, False, remote, data, _read(data))
            self.log.append(passed)
            if remote.host in (TESTER.host, PROXY.host):
                self._clock.after(LATENCY, lambda passed=passed: self._receive(passed))  # type: ignore[misc]

    def passages(self) -> list[Passage]:
        """Everything that can be read, as judges take it; rubbish and what it was answered apart."""
        return [
            Passage(
                at=each.at,
                sender=each.remote if each.by_tester else ELEMENT,
                receiver=ELEMENT if each.by_tester else each.remote,
                message=each.message,
                arrived=True,
            )
            for each in self.log
            if each.message is not None and not self.is_rubbish(each.data)
        ]

    def is_rubbish(self, data: bytes) -> bool:
        """Whether a message is rubbish of the tester's, or an answer to it, which may repeat what nobody can read."""
        via = next((line for line in data.split(b"\r\n") if line.lower().startswith(b"via:")), b"")
        return any(via[4:].strip() in each for each in self.rubbish)

    def story(self) -> str:
        """Everything that was sent, one line each, with the tester's reasons."""
        return "\n".join(str(each) for each in self.log)


def _read(data: bytes) -> Request | Response | None:
    try:
        return parse_message(data)
    except RemoteProtocolError:
        return None
