"""``pyc3p fuzz``: altered traffic for a server of anybody's, and what broke it, cut down."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import attrs

from pyc3p.commands.addresses import local_host_towards
from pyc3p.commands.terminal import Terminal
from pyc3p.conform.bench import Bench, BenchSettings, Facts
from pyc3p.conform.case import Blame, NotApplicable
from pyc3p.conform.probing import probe
from pyc3p.conform.target import Target, address_of, check_permitted
from pyc3p.conform.wire import Pace
from pyc3p.fuzz.c3p_attack import C3pAttack, C3pInputs, HttpTarget
from pyc3p.fuzz.fuzzing import Attacked, Broken, Fuzzing, Inputs, broken_by, read_inputs
from pyc3p.fuzz.process import Process
from pyc3p.fuzz.rtp_attack import RtpAttack, RtpInputs
from pyc3p.fuzz.sip_attack import SipAttack
from pyc3p.fuzz.sip_inputs import SipInputs, first_messages
from pyc3p.problems import Problem
from pyc3p.trace.ladder import Ladder
from pyc3p.trace.ladder_text import render_text
from pyc3p.trace.trace import Names
from sip.aio import live_entropy


class Opened(Attacked, Protocol):
    """A target with what the command needs of it beside."""

    def begin(self) -> str:
        """Have the canary sing; what it is."""

    def names(self) -> dict[tuple[str, int], str]:
        """Who speaks at which address."""

    def close(self) -> None:
        """Leave nothing behind."""


@attrs.frozen(kw_only=True)
class FuzzOptions:
    """What was said at the command line."""

    seconds: float = 60.0
    seed: int = 1
    rate: float = 200.0
    patience: float = 4.0
    cutting: float = 300.0
    keep: Path = Path("broken.json")
    replay: Path | None = None
    start: str | None = None
    foreign: str | None = None
    as_json: bool = False


def fuzz_sip(target: Target, options: FuzzOptions) -> int:
    """Altered SIP; the exit code is 1 when something broke. Raises Problem."""
    make, process = _benches(target, options)
    attack = SipAttack(make, process)
    bench = make()
    inputs = SipInputs(first_messages(bench, bench.peer("attacker")), options.seed)
    bench.wire.close()
    return _run(attack, inputs, str(target), options, process)


def fuzz_rtp(target: Target, options: FuzzOptions) -> int:
    """Altered RTP and RTCP for the ports of a call there. Raises Problem."""
    make, process = _benches(target, options)
    attack = RtpAttack(SipAttack(make, process), Pace(options.rate).turn)
    return _run(attack, RtpInputs(options.seed), str(target), options, process)


def fuzz_c3p(target: HttpTarget, options: FuzzOptions) -> int:
    """Altered C3P over HTTP. Raises Problem."""
    check_permitted(target.host, address_of(target.host), foreign=options.foreign)
    process = _process(options)
    attack = C3pAttack(target, patience=options.patience, turn=Pace(options.rate).turn, process=process)
    if process is not None and not attack.revive():
        raise _not_started(process, "")
    inputs = C3pInputs(target, options.seed)
    return _run(attack, inputs, f"http://{target.host}:{target.port}{target.path}", options, process)


def _process(options: FuzzOptions) -> Process | None:
    return None if options.start is None else Process(shlex.split(options.start))


def _not_started(process: Process, where: str) -> Problem:
    """What to say of a program that does not answer, which is stopped: how it ended, and its last line."""
    ended, lines = process.ended(), process.last_words.split("\n")
    process.stop()
    last = next((each for each in reversed(lines) if each.strip()), "") if ended else ""
    return Problem(f"the program does not answer{where}" + "".join(f": {each}" for each in (ended, last) if each))


def _benches(target: Target, options: FuzzOptions) -> tuple[Callable[[], Bench], Process | None]:
    """What makes benches for a target, which has answered once, and the program that it is."""
    check_permitted(target.host, target.address, foreign=options.foreign)
    process = _process(options)
    local = local_host_towards(target.address, target.port)
    settings = BenchSettings(patience=options.patience, rate=options.rate, local=local)
    facts, pace, entropy = Facts(), Pace(options.rate), live_entropy()

    def make() -> Bench:
        return Bench(target, facts, settings, entropy=entropy, pace=pace, digest=None)

    if process is not None and not SipAttack(make, process).revive():
        raise _not_started(process, f" at {target}")
    try:
        probe(make, facts)
    except Blame as wrong:
        if process is not None:
            process.stop()
        raise Problem(f"{target} does not answer: {wrong.seen}") from wrong
    return make, process


def _run(attack: Opened, inputs: Inputs, target: str, options: FuzzOptions, process: Process | None) -> int:
    terminal = Terminal(quiet=options.as_json)
    try:
        canary = attack.begin()
        terminal.say(f"{target}: the canary is {canary}; seed {options.seed}")
        if options.replay is not None:
            return _replayed(attack, options, terminal)
        fuzzing = Fuzzing(
            attacked=attack,
            inputs=inputs,
            target=target,
            seed=options.seed,
            seconds=options.seconds,
            cutting=options.cutting,
        )
        broken = fuzzing.play()
        _tell(fuzzing, broken, options, terminal, attack.names(), process)
    except (Blame, NotApplicable, OSError) as wrong:
        raise Problem(f"{target}: there is no canary: {wrong}") from wrong
    finally:
        attack.close()
        if process is not None:
            process.stop()
    return 1 if broken is not None else 0


def _replayed(attack: Opened, options: FuzzOptions, terminal: Terminal) -> int:
    assert options.replay is not None
    complaint = broken_by(attack, read_inputs(options.replay))
    if options.as_json:
        sys.stdout.write(json.dumps({"replay": str(options.replay), "complaint": complaint}) + "\n")
    terminal.say(f"It broke again: {complaint}" if complaint else "It held.", "red" if complaint else "green")
    return 1 if complaint else 0


def _tell(
    fuzzing: Fuzzing,
    broken: Broken | None,
    options: FuzzOptions,
    terminal: Terminal,
    names: dict[tuple[str, int], str],
    process: Process | None,
) -> None:
    if broken is not None:
        ladder = options.keep.with_suffix(".txt")
        _write(options.keep, broken.dump())
        words = "" if process is None else process.last_words
        _write(ladder, _story(broken, names) + (f"\nThe program said at last:\n{words}" if words else ""))
        size = sum(map(len, broken.inputs))
        again = "again with" if broken.again else "and not a second time; kept are"
        terminal.say(f"It broke after {fuzzing.sent} inputs, {again} {len(broken.inputs)} of {size} octets:", "red")
        terminal.say(f"    {broken.complaint}")
        terminal.say(f"They are in {options.keep}, which --replay plays, and the ladder in {ladder}.")
    else:
        terminal.say(f"It held: {fuzzing.sent} inputs.", "green")
    if options.as_json:
        line = {
            "sent": fuzzing.sent,
            "seed": fuzzing.seed,
            "broken": None if broken is None else broken.complaint,
            "inputs": 0 if broken is None else len(broken.inputs),
        }
        sys.stdout.write(json.dumps(line) + "\n")


def _story(broken: Broken, names: dict[tuple[str, int], str]) -> str:
    known = Names()
    for address, name in names.items():
        known.add(name, address)
    return render_text(Ladder.of(broken.records, known), title=f"{broken.target}: {broken.complaint}")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise Problem(f"{path} cannot be written: {error.strerror}") from error
