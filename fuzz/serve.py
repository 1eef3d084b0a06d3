"""Altered traffic for a running ``pyc3p serve`` with a call in progress.

``python fuzz/serve.py --minutes 10`` starts a server, a presenter and two phones in a network of their own, and for so
long sends the server altered SIP (UDP, TCP) and C3P (HTTP), and RTP and RTCP to the ports of the call, from several
other addresses. Every 40 s it stops for 20, to see how the call is when nobody attacks. It fails when

- the output of the server has a traceback or tells of a fault of its own,
- the longest gap between two packets at a phone was longer under attack than without, by more than ``--allowance``,
- a packet of the call got lost, or the call ended,
- after it all something is left: transactions, dialogs, legs, conferences, open files; or memory that was not there.

``--seed`` makes the same traffic again; without it the seed is that of the commit. Needs Linux, and for the gaps a
machine that does nothing else: with others at work on it ``--allowance 1`` leaves them to be read.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from c3p import pair_secret  # noqa: E402
from fuzz.attack import HOST, Attack, Target  # noqa: E402
from fuzz.confined import confine, die_with_parent  # noqa: E402
from tests.altered.seed_of_commit import SEED  # noqa: E402

SECRET: Final = "a secret of this run alone"
#: Parts in other processes that the server is told of, whose secrets the documents come with.
FAR_MCU, FAR_FOCUS = "mcu-9", "focus-9"
PAIRS: Final = (("focus", FAR_MCU), ("focus", FAR_FOCUS), ("mcu-1", FAR_FOCUS), ("mcu-1", FAR_MCU))
SIP, MCU_SIP, HTTP, MCU_HTTP = 5060, 5070, 8444, 8445
START: Final = 20.0  #: seconds for a program to come up
#: Kilobytes that a server may be larger by in the end: what was bound and recorded, and what its allocator keeps.
MEMORY: Final = 64 * 1024
#: What is told of the end, and need not be what it was in the beginning.
UNEVEN: Final = ("kilobytes",)
#: Seconds between a call's end and the look at what it left open: an answer or a BYE may still be on its way.
AFTER_A_CALL: Final = 2.0

Figures = list[dict[str, Any]]


class Failed(Exception):
    """The run could not be made, or the call did not outlive it."""


@attrs.define(eq=False)
class Served:
    """A server in a process of its own."""

    process: subprocess.Popen[bytes]
    output: Path
    kept: Path

    def sizes(self) -> dict[str, int]:
        """How much it keeps now."""
        before = len(self._lines())
        self.process.send_signal(signal.SIGUSR1)
        end = time.monotonic() + START
        while len(self._lines()) == before:
            if time.monotonic() > end or self.process.poll() is not None:
                raise Failed(f"the server does not answer any more:\n{self.output.read_text()[-2000:]}")
            time.sleep(0.05)
        found: dict[str, int] = json.loads(self._lines()[-1])
        return found

    def _lines(self) -> list[str]:
        return self.kept.read_text().splitlines() if self.kept.exists() else []

    def faults(self) -> list[str]:
        """What its output says that it should not."""
        text = self.output.read_text(errors="replace")
        words = ("Traceback", "ERROR", "CRITICAL", "was never retrieved")
        return [line for line in text.splitlines() if any(word in line for word in words)]


@contextlib.contextmanager
def served(folder: Path) -> Iterator[Served]:
    """A server that listens."""
    output, kept, settings = folder / "serve.txt", folder / "sizes.jsonl", folder / "serve.toml"
    settings.write_text(
        f'secret = "{SECRET}"\nsip_port = {SIP}\nmcu_sip_port = {MCU_SIP}\nhttp_port = {HTTP}\n'
        f"mcu_http_port = {MCU_HTTP}\ndrain_timeout = 0.2\n"
        # One process, of which sizes are asked; that of the MCU is the same code.
        f'workers = 0\nmcus = ["{FAR_MCU}"]\n[c3p]\nfoci = ["focus", "{FAR_FOCUS}"]\n'
        f'[state]\nfile = "{folder / "state.sqlite"}"\n'
    )
    settings.chmod(0o600)
    command = [sys.executable, str(ROOT / "fuzz/serving.py"), str(kept), "serve", "--config", str(settings)]
    with output.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, preexec_fn=die_with_parent)
    try:
        end = time.monotonic() + START
        while "stop with Ctrl-C" not in output.read_text(errors="replace"):
            if time.monotonic() > end or process.poll() is not None:
                raise Failed(f"the server did not start:\n{output.read_text()[-2000:]}")
            time.sleep(0.05)
        yield Served(process, output, kept)
    finally:
        process.terminate()
        process.wait(START)


class Talk:
    """The call, in a process of its own."""

    def __init__(self) -> None:
        command = [sys.executable, str(ROOT / "fuzz/talking.py"), f"{HOST}:{SIP}"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent
        )
        self.first = self._line()

    def figures(self) -> Figures:
        """How each phone heard since the last time."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        return self._line()

    def _line(self) -> Figures:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Failed("the call ended")
        found: Figures = json.loads(line)
        return found

    def end(self) -> None:
        """Hang up."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        if self._process.wait(2 * START) != 0:
            raise Failed("the call did not end as it should")

    def kill(self) -> None:
        """Whatever happened."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@attrs.frozen(kw_only=True)
class Plan:
    """How long, how much and what is allowed; seconds unless said otherwise."""

    attack: float = 600.0  #: in all
    window: float = 40.0  #: of attack, between two rests
    rest: float = 20.0
    rate: int = 200  #: messages and packets a second
    allowance: float | None = 0.020  #: by which a gap under attack may be longer; None: gaps are told, not judged
    settle: float = 180.0  #: at most, until everything is gone; 0: it is not waited for
    seed: int = SEED


@attrs.define(eq=False)
class Run:
    """What was seen."""

    plan: Plan
    wrong: list[str] = attrs.Factory(list)
    quiet: list[float] = attrs.Factory(list)  #: the longest gap of each rest
    attacked: list[float] = attrs.Factory(list)  #: and of each window
    sent: dict[str, int] = attrs.Factory(dict)
    before: dict[str, int] = attrs.Factory(dict)
    after: dict[str, int] = attrs.Factory(dict)

    def play(self, folder: Path) -> None:
        """From the start of the server to its end."""
        with served(folder) as server:
            self.before = server.sizes() | self._used_once(server)
            talk = Talk()
            try:
                self._attack(server, talk)
                talk.end()
            except Failed as error:
                self.wrong.append(str(error))
            finally:
                talk.kill()
            self._settle(server)
            self.wrong += server.faults()

    def _used_once(self, server: Served) -> dict[str, int]:
        """The files of a server that had a call: its parts keep as many HTTP connections to each other as that needs.

        What else that call left is gone before the run ends, or is found then.
        """
        if not self.plan.settle:
            return {}
        Talk().end()
        time.sleep(AFTER_A_CALL)
        return {"open files": server.sizes()["open files"]}

    def _attack(self, server: Served, talk: Talk) -> None:
        plan = self.plan
        attack = Attack(
            Target(
                sip_ports=(SIP, MCU_SIP),
                http_ports=(HTTP, MCU_HTTP),
                secrets=tuple(pair_secret(SECRET, *pair) for pair in PAIRS),
                media=tuple((each["port"], each["ssrc"]) for each in talk.first),
            ),
            plan.seed,
        )
        talk.figures()
        os.nice(10)  # the call and the server come first: what is tried is them, and not the scheduler
        left = plan.attack
        try:
            while left > 0:
                time.sleep(plan.rest)
                self.quiet.append(self._heard(talk, plan.rest))
                self._send(attack, min(left, plan.window))
                self.attacked.append(self._heard(talk, min(left, plan.window)))
                left -= plan.window
        finally:
            attack.close()
            self.sent = dict(attack.sent)
        if server.sizes().get("legs") != 2:
            self.wrong.append("the call has not two legs any more")

    def _send(self, attack: Attack, seconds: float) -> None:
        begun, number = time.monotonic(), 0
        while (passed := time.monotonic() - begun) < seconds:
            while number < passed * self.plan.rate:
                attack.one()
                number += 1
            time.sleep(0.005)

    def _heard(self, talk: Talk, seconds: float) -> float:
        """The longest gap; a packet that was lost is wrong, whoever was there."""
        figures = talk.figures()
        for each in figures:
            if each["missing"]:
                self.wrong.append(f"a phone missed {each['missing']} packets")
            enough = 50 * seconds * 0.9 - 10 if self.plan.allowance is not None else 1
            if each["packets"] < enough:
                self.wrong.append(f"a phone got {each['packets']} packets in {seconds:g} s")
        return max(float(each["gap"]) for each in figures)

    def _settle(self, server: Served) -> None:
        end = time.monotonic() + self.plan.settle
        while (left := self._left(server)) and time.monotonic() < end:
            time.sleep(1.0)
        if self.plan.settle:
            self.wrong += left
        grown = self.after["kilobytes"] - self.before["kilobytes"]
        if grown > MEMORY:
            self.wrong.append(f"the server has grown by {grown} kB")

    def _left(self, server: Served) -> list[str]:
        self.after = server.sizes()
        return [
            f"{what}: {self.before[what]} before, {self.after[what]} after"
            for what in self.before
            if what not in UNEVEN and self.after[what] > self.before[what]
        ]

    def judge(self) -> list[str]:
        """All that did not hold."""
        longest, allowance = max(self.quiet, default=0.0), self.plan.allowance
        worst = max(self.attacked, default=0.0)
        if allowance is not None and worst > longest + allowance:
            self.wrong.append(f"a gap of {1000 * worst:.0f} ms under attack, {1000 * longest:.0f} ms without")
        return self.wrong

    def report(self) -> str:
        """For people."""
        sent = ", ".join(f"{number} {kind}" for kind, number in sorted(self.sent.items()))
        rows = [
            f"seed {self.plan.seed}; sent: {sent}",
            f"longest gap without attack {_milliseconds(self.quiet)}, under attack {_milliseconds(self.attacked)}",
        ]
        rows += [f"  {what}: {self.before[what]} before, {number} after" for what, number in self.after.items()]
        return "\n".join(rows)


def _milliseconds(gaps: list[float]) -> str:
    return f"{1000 * max(gaps, default=0):.0f} ms (of {' '.join(f'{1000 * gap:.0f}' for gap in gaps)})"


def main() -> None:
    """Run, tell, and fail when something did not hold."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=10.0, help="of attack")
    options.add_argument("--seconds", type=float, help="the short form: so many, and what is left is not waited for")
    options.add_argument("--seed", type=int, default=SEED, help="of what is sent")
    options.add_argument("--rate", type=int, default=200, help="messages and packets a second")
    options.add_argument("--allowance", type=float, default=0.020, help="seconds by which a gap may be longer")
    asked = options.parse_args()
    if not confine():
        sys.exit("a network of our own is needed (Linux, unshare), since a server calls whatever altered messages name")
    plan = Plan(attack=60 * asked.minutes, rate=asked.rate, seed=asked.seed, allowance=asked.allowance)
    if asked.seconds is not None:
        plan = attrs.evolve(plan, attack=asked.seconds, window=asked.seconds, rest=1.0, allowance=None, settle=0.0)
    run = Run(plan)
    with tempfile.TemporaryDirectory() as folder:
        run.play(Path(folder))
        wrong = run.judge()
        if wrong:
            print((Path(folder) / "serve.txt").read_text(errors="replace")[-20_000:])
    print(run.report())
    print("\n".join(wrong) or "all held")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
