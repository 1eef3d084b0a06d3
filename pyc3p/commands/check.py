"""``pyc3p check FILE``: a trace of anybody's programs, judged by the standards."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import attrs

from pyc3p.check.elements import Elements
from pyc3p.check.judging import judge_records
from pyc3p.check.selecting import refused_selection
from pyc3p.check.verdict import Severity, Verdict
from pyc3p.commands.terminal import Terminal
from pyc3p.commands.trace import as_dict, learned, parse_names, read_trace
from pyc3p.problems import Problem, UsageProblem
from pyc3p.trace.ladder import Ladder
from pyc3p.trace.ladder_text import TextLadder
from pyc3p.trace.trace import Names

_STYLES: Final = {Severity.MUST: "bold red", Severity.SHOULD: "yellow", Severity.OURS: "cyan"}
#: Messages of a ladder beside one finding: the last show it.
MOST_LINES: Final = 8


@attrs.frozen(kw_only=True)
class CheckOptions:
    """What is looked for, and what counts as failure."""

    severity: Severity = Severity.SHOULD  #: the least that is shown
    fail_on: Severity | None = Severity.MUST  #: the least that makes the exit code 1; None: nothing does
    select: tuple[str, ...] = ()
    by: tuple[str, ...] = ()  #: elements
    every: bool = False  #: each time that it happened, in place of the first


def run_check(path: Path, options: CheckOptions, *, names: Iterable[str], as_json: bool) -> int:
    """Judge the trace in ``path``; the exit code is 1 where something is as bad as ``options.fail_on``.

    Raises UsageProblem for a file that is no trace or an empty one, and for a clause or an element that
    cannot be meant.
    """
    for selected in options.select:
        if problem := refused_selection(selected):
            raise UsageProblem(f"--select {selected!r}: {problem}")
    parse_names(names := list(names), Names())  # what is wrong there is said first
    try:
        records, known = read_trace(path, names)
    except Problem as problem:  # a file in which nothing is was judged by nobody: no 1, which says what was found
        raise UsageProblem(str(problem)) from problem
    called = learned(records, Names.load(known.dump()))
    start = records[0].at
    everything, elements = judge_records(records, known, called=called)
    wanted = _elements(options.by, elements)
    verdicts = [each for each in everything if _is_wanted(each, options, wanted)]
    if as_json:
        for each in verdicts:
            sys.stdout.write(json.dumps(verdict_dict(each, _drawn(each, start), start)) + "\n")
    else:
        _say(verdicts, start, every=options.every, left_out=len(everything) - len(verdicts))
    worst = min((each.severity.rank for each in verdicts), default=None)
    return 1 if worst is not None and options.fail_on is not None and worst <= options.fail_on.rank else 0


def _elements(asked: Sequence[str], elements: Elements) -> set[str]:
    """Who is meant by ``--by``; raises UsageProblem for what is nobody in the trace."""
    found: set[str] = set()
    for each in asked:
        meant = elements.asked_for(each)
        if not meant:
            raise UsageProblem(f"--by {each!r} is nobody in this trace; there are {', '.join(elements.everybody())}")
        found |= meant
    return found


def _is_wanted(verdict: Verdict, options: CheckOptions, elements: set[str]) -> bool:
    return (
        verdict.severity.rank <= options.severity.rank
        and verdict.is_of(options.select)
        and (not options.by or verdict.element in elements)
    )


def _drawn(verdict: Verdict, start: float) -> Ladder:
    """The ladder of what shows a finding, with the times of the whole trace."""
    ladder = Ladder(verdict.names, start=start)
    for record in verdict.records[-MOST_LINES:]:
        ladder.add(record)
    return ladder


def verdict_dict(verdict: Verdict, ladder: Ladder, start: float) -> dict[str, object]:
    """One verdict for machines; its time counts from the start of the trace."""
    finding = verdict.finding
    return {
        "severity": verdict.severity.value,
        "source": finding.source,
        "clause": finding.clause,
        "expected": finding.expected,
        "seen": finding.seen,
        "by": verdict.by,
        "address": verdict.address,
        "program": verdict.program,
        "at": round(verdict.at - start, 6),
        "messages": [as_dict(item) for item in ladder.items],
    }


def _say(verdicts: Sequence[Verdict], start: float, *, every: bool, left_out: int) -> None:
    terminal = Terminal()
    times = Counter(each.kind for each in verdicts)
    said: set[tuple[str, str, str]] = set()
    for each in sorted(verdicts, key=lambda each: (each.severity.rank, each.at)):
        if each.kind in said and not every:
            continue
        said.add(each.kind)
        _say_one(terminal, each, times[each.kind] if not every else 1)
        ladder = _drawn(each, start)
        drawing = TextLadder(ladder.columns, width=terminal.width)
        terminal.line(drawing.header())
        for item in ladder.items:
            terminal.line(drawing.line(item))
        terminal.say("")
    counts = Counter(each.severity for each in verdicts)
    told = ", ".join(f"{counts[each]} {each.name}" for each in Severity if counts[each])
    matters = f" in {len(said)} matters" if len(said) < len(verdicts) and not every else ""
    others = f"; {left_out} more are not of what was asked for" if left_out else ""
    if told:
        terminal.say(f"{told}{matters}{others}")
    elif left_out:
        terminal.say(f"Nothing that was asked for is wrong; {left_out} findings are of something else.")
    else:
        terminal.say("Nothing is wrong with it.", "green")


def _say_one(terminal: Terminal, verdict: Verdict, times: int) -> None:
    finding = verdict.finding
    program = f" ({verdict.program})" if verdict.program else ""
    who = f" by {verdict.by}{program}" if verdict.by else ""
    often = f", {times} times" if times > 1 else ""
    terminal.say(f"{verdict.severity.name} {finding.source}{who}{often}", _STYLES[verdict.severity])
    terminal.say(f"  {finding.clause}")
    if finding.expected:
        terminal.say(f"  expected: {finding.expected}")
    terminal.say(f"  seen: {finding.seen}")
