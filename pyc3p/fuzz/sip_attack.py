"""A SIP element that is sent altered messages while a valid call, or the next best thing, goes on there."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Final

from pyc3p.conform.bench import Bench
from pyc3p.conform.call import Call, place_call
from pyc3p.conform.case import Blame, NotApplicable, Trait
from pyc3p.conform.peer import Peer
from pyc3p.conform.tidying import tidy
from pyc3p.fuzz.process import Process
from pyc3p.fuzz.sip_inputs import made_new
from pyc3p.trace.trace import Record
from sip import Request, Response, SipError, parse_message

#: Seconds that a target may take to answer again.
COMES_BACK: Final = 30.0
#: Seconds to wait for an answer of a program that is about to start, before it is asked again.
_STARTING: Final = 0.1
#: Seconds in which a program ends that an input has broken.
_ENDS: Final = 0.05
#: Records that are kept for the ladder: what was last.
_KEPT: Final = 300


class SipAttack:
    """The target, its canary and the attacker. ``make`` makes a bench for that target."""

    def __init__(self, make: Callable[[], Bench], process: Process | None = None) -> None:
        self._make, self._process = make, process
        self._canary: Bench | None = None
        self._call: Call | None = None
        self._watcher: Peer | None = None
        self._attacker = make()
        self._peer = self._attacker.peer("attacker")
        self._records: list[Record] = []

    def begin(self) -> str:
        """Have the canary sing; what it is. Raises Blame when nothing answers."""
        if self._process is not None:
            self._wait_for_start()
        self._canary = bench = self._make()
        self._watcher = bench.peer("watcher")
        if Trait.USER_AGENT in bench.facts.traits:
            with contextlib.suppress(NotApplicable):
                self._call = place_call(self._watcher)
                return "a call that goes on"
        bench.check_alive()
        return "OPTIONS, which are answered"

    def _wait_for_start(self) -> None:
        """Ask, with less patience than usual, until something answers; raises Blame when the time is over."""
        bench = self._make()
        bench.patience = _STARTING
        end = time.monotonic() + COMES_BACK
        try:
            while True:
                try:
                    bench.check_alive()
                    return
                except Blame:
                    if time.monotonic() > end or (self._process is not None and self._process.ended()):
                        raise
        finally:
            bench.wire.close()

    @property
    def answer(self) -> Response | None:
        """What the call that goes on was answered; None without one."""
        return None if self._call is None else self._call.response

    def send(self, inputs: Sequence[bytes]) -> None:
        """Send all, each as a message of its own."""
        peer = self._peer
        for data in inputs:
            fresh = made_new(data, self._attacker.token())
            with contextlib.suppress(SipError):
                message = parse_message(fresh)
                if isinstance(message, Request):
                    peer.remember(message)
            with contextlib.suppress(Blame):  # no connection: the canary will tell
                peer.send(fresh)
                if self._attacker.target.transport != "UDP":
                    peer.line.close()
            peer.take(lambda each: True, within=0.0)
        self._keep(self._attacker)
        with contextlib.suppress(Blame):
            tidy(self._attacker)
        self._attacker = self._make()
        with contextlib.suppress(Blame):
            self._peer = self._attacker.peer("attacker")

    def _keep(self, bench: Bench) -> None:
        self._records = sorted([*self._records, *bench.wire.records], key=lambda each: each.at)[-_KEPT:]
        bench.wire.records.clear()

    def complaint(self) -> str:
        """What is wrong with the canary, or the program."""
        if self._process is not None:
            time.sleep(_ENDS)
            if ended := self._process.ended():
                return ended
        if self._canary is None:
            return "there is no canary"
        try:
            self._sing(self._canary)
        except Blame as wrong:
            time.sleep(0.2)  # that a program has ended is seen a moment later
            return (self._process.ended() if self._process is not None else "") or wrong.seen
        finally:
            self._keep(self._canary)
        return ""

    def _sing(self, bench: Bench) -> None:
        if self._call is None:
            bench.check_alive()
            return
        if self._call.peer.hung_up(self._call.call_id):
            bench.blame("the call that goes on was hung up")
        answer = self._call.ask("OPTIONS")
        if answer.status == 481:
            bench.blame(f"OPTIONS in the call that goes on is answered {answer.told}")

    def revive(self) -> bool:
        """Start the program again, if we did so at first; wait until it answers, and have a new canary."""
        self.silence()
        self._records = []
        if self._process is not None:
            self._process.start()
        end = time.monotonic() + COMES_BACK
        while time.monotonic() < end:
            with contextlib.suppress(Blame, OSError):
                self.begin()
                return True
            if self._process is not None and self._process.ended():
                break
            time.sleep(0.2)
        return False

    def records(self) -> Sequence[Record]:
        """What crossed the wire since it was revived, the last of it."""
        return self._records

    def names(self) -> dict[tuple[str, int], str]:
        """Who speaks at which address."""
        remote = self._attacker.target.remote
        return {(remote.host, remote.port): "target"}

    def silence(self) -> None:
        """The canary hangs up."""
        if self._canary is not None:
            tidy(self._canary)
        self._canary = self._call = None

    def close(self) -> None:
        """Leave nothing behind."""
        with contextlib.suppress(Blame):
            self.silence()
        self._attacker.wire.close()
