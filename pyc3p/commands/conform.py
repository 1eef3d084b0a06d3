"""``pyc3p conform``: cases for a server of anybody's, over real sockets: a SIP element, a Focus or an MCU."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pyc3p.commands.addresses import local_host_towards
from pyc3p.commands.credentials import PasswordWanted, Wallet
from pyc3p.commands.terminal import Terminal
from pyc3p.conform import BenchSettings, Blame, Case, Outcome, Plan, Report, Run, Verdict, chosen
from pyc3p.conform.case import Silent
from pyc3p.conform.cases.focus import focus_cases
from pyc3p.conform.cases.mcu import mcu_cases
from pyc3p.conform.cases.sip import sip_cases
from pyc3p.conform.kind import SIP, AnyTarget, Kind
from pyc3p.conform.report.html import render_html, story_of
from pyc3p.conform.report.junit import render_junit
from pyc3p.conform.report.lines import as_lines
from pyc3p.conform.target import check_permitted
from pyc3p.problems import Problem, UsageProblem
from sip import Credentials
from sip.aio import live_entropy
from sip.testing import Force

_STYLES: Final = {"MUST": "red", "SHOULD": "yellow"}
#: What ``--fail-on`` means: the forces of findings that make the exit code 1.
FAILS: Final = {
    "must": ("MUST",),
    "should": ("MUST", "SHOULD"),
    "ours": tuple(each.value for each in Force),
    "never": (),
}
#: The cases of each suite.
SUITES: Final[Mapping[str, Callable[[], Sequence[Case]]]] = {"sip": sip_cases, "focus": focus_cases, "mcu": mcu_cases}
#: The exit code after Ctrl-C, as shells have it: 128 and the number of SIGINT.
INTERRUPTED: Final = 130


@attrs.frozen(kw_only=True)
class ConformOptions:
    """What was said at the command line."""

    target: AnyTarget
    kind: Kind = SIP
    select: Sequence[str] = ()
    replay: str | None = None
    baseline: Path | None = None
    write_baseline: Path | None = None
    html: Path | None = None
    junit: Path | None = None
    as_json: bool = False
    fail_on: str = "must"
    foreign: str | None = None
    slow: bool = False
    ours: bool = False
    asks_for_passwords: bool = False  #: whether whoever sits at the terminal is asked for what a server wants
    limit: float = 600.0
    bench: BenchSettings = BenchSettings()
    wallet: Wallet | None = None


def run_conform(options: ConformOptions) -> int:
    """Run and report; the exit code is 1 where something new is wrong, 130 where it was interrupted.

    Raises Problem, and UsageProblem where there is nobody to try: what was found has another exit code.
    """
    target = options.target
    check_permitted(target.host, target.address, foreign=options.foreign)
    cases = _cases(options)
    known = read_baseline(options.baseline) if options.baseline is not None else frozenset[str]()
    local = local_host_towards(target.address, target.port)
    plan = Plan(
        target=target,
        bench=attrs.evolve(options.bench, local=local),
        cases=cases,
        limit=options.limit,
        slow=options.slow or options.replay is not None,
        ours=options.ours or options.fail_on == "ours" or options.replay is not None,
        known=known,
        credentials=_credentials(options),
        kind=options.kind,
    )
    report = _played(plan, options)
    _write(options, report)
    return _exit_code(report, options)


def _credentials(options: ConformOptions) -> Callable[[str], Credentials | None] | None:
    wallet = options.wallet
    if wallet is None or (not wallet.known and not (options.asks_for_passwords and sys.stdin.isatty())):
        return None

    def find(realm: str) -> Credentials | None:
        found = wallet.find(realm)
        if found is None and options.asks_for_passwords and sys.stdin.isatty():
            wallet.prompt(PasswordWanted(realm, str(options.target)))
            found = wallet.find(realm)
        return found

    return find


def list_cases(select: Sequence[str], *, as_json: bool, suite: str = "sip") -> int:
    """Print the cases of a suite."""
    terminal = Terminal()
    for case in chosen(SUITES[suite](), select):
        if as_json:
            line = {"case": case.id, "clause": case.clause, "force": case.force.value, "wanted": case.wanted}
            sys.stdout.write(json.dumps(line | {"applies": [each.value for each in case.applies]}) + "\n")
        else:
            terminal.say(f"{case.id:<40} {case.force.value:<7} {case.clause:<28} {case.wanted}")
    return 0


def _cases(options: ConformOptions) -> list[Case]:
    known = SUITES[options.kind.name]()
    if options.replay is not None:
        wanted = options.replay.rpartition("@")[2]
        cases = [each for each in known if each.id == wanted]
        if not cases:
            raise UsageProblem(f"--replay {options.replay!r} is the id of no case; --list tells all")
        return cases
    cases = chosen(known, options.select)
    if not cases:
        raise UsageProblem(f"--select {', '.join(options.select)} chooses no case; --list tells all")
    return cases


def _played(plan: Plan, options: ConformOptions) -> Report:
    terminal = Terminal(quiet=options.as_json)
    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("what it is", total=len(plan.cases))

        def on_case(case: Case, number: int, of: int) -> None:
            progress.update(task, completed=number, description=case.id)

        def on_outcome(outcome: Outcome) -> None:
            _tell(terminal, outcome, plan.known)

        run = Run(plan, entropy=live_entropy(), on_case=on_case, on_outcome=on_outcome)
        try:
            report = run.play()
        except Silent as wrong:
            raise UsageProblem(f"{plan.target} does not answer anything: {wrong.seen}") from wrong
        except Blame as wrong:
            raise UsageProblem(f"{plan.target} cannot be tried: {wrong.seen}") from wrong
    if options.as_json:
        for line in as_lines(report):
            sys.stdout.write(json.dumps(line) + "\n")
    else:
        _sum_up(terminal, report)
    if options.replay is not None and not options.as_json:
        sys.stdout.write(story_of(report.outcomes[0]))
    return report


def _tell(terminal: Terminal, outcome: Outcome, known: frozenset[str]) -> None:
    if outcome.verdict is Verdict.BROKEN:
        terminal.say(f"{outcome.case.id}: the case itself failed", "red")
        terminal.say(outcome.why.strip().rpartition("\n")[2])
    for each in outcome.found:
        note = " (known)" if each.key in known else ""
        terminal.say(f"{each.force.value:<6} {each.source}: {each.clause}{note}", _STYLES.get(each.force.value, ""))
        terminal.say(f"       seen: {each.seen}")
        terminal.say(f"       {each.id}", "dim")


def _sum_up(terminal: Terminal, report: Report) -> None:
    for trait in report.traits:
        terminal.say(f"It {trait}.")
    for trait, why in report.lacks.items():
        terminal.say(f"Not seen that it {trait}: {why}.")
    counts = ", ".join(f"{report.count(each)} {each.value}" for each in Verdict if report.count(each))
    findings, new = sum(1 for _ in report.findings()), len(report.new())
    terminal.say(f"{len(report.outcomes)} cases in {report.seconds:.0f} s: {counts}; {findings} findings, {new} new.")


def read_baseline(path: Path) -> frozenset[str]:
    """Findings that are known: a key a line, ``#`` begins a remark. Raises UsageProblem."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageProblem(f"{path} cannot be read: {error}") from error
    return frozenset(words[0] for line in text.splitlines() if (words := line.partition("#")[0].split()))


def baseline_of(report: Report) -> str:
    """A baseline that knows all findings of a report."""
    lines = [f"# What is known of {report.target}: a finding a line, as --baseline reads it.\n"]
    lines += [
        f"{found.key}  # {found.source}: {' '.join(found.seen.split())[:80].replace('#', '')}\n"
        for _, found in report.findings()
    ]
    return "".join(lines)


def _write(options: ConformOptions, report: Report) -> None:
    files = (
        (options.html, render_html),
        (options.junit, lambda each: render_junit(each, fails=_fails(options))),
        (options.write_baseline, baseline_of),
    )
    for path, render in files:
        if path is not None:
            try:
                path.write_text(render(report), encoding="utf-8", errors="backslashreplace")
            except OSError as error:
                raise Problem(f"{path} cannot be written: {error.strerror}") from error


def _fails(options: ConformOptions) -> tuple[Force, ...]:
    return tuple(each for each in Force if each.value in FAILS[options.fail_on])


def _exit_code(report: Report, options: ConformOptions) -> int:
    if report.interrupted:
        return INTERRUPTED
    forces = _fails(options)
    wrong = any(each.force in forces for each in report.new())
    return 1 if wrong or report.count(Verdict.BROKEN) or report.count(Verdict.NOT_RUN) else 0
