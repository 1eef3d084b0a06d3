"""``pyc3p simulate``: one conference in virtual time, from a seed, with everything that may go wrong."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pyc3p.commands.terminal import Terminal
from pyc3p.problems import Problem, UsageProblem

if TYPE_CHECKING:
    from pyc3p.simulate import Result


def list_scenarios(*, as_json: bool) -> int:
    """Print what there is to choose from."""
    from pyc3p.simulate import SCENARIOS

    terminal = Terminal()
    for each in SCENARIOS.values():
        if as_json:
            sys.stdout.write(json.dumps({"scenario": each.name, "summary": each.summary}) + "\n")
        else:
            terminal.say(f"{each.name:<12} {each.summary}")
    return 0


def run_simulate(*, scenario: str, seed: int, minutes: float, ladder: Path | None = None, as_json: bool = False) -> int:
    """Run one seed and say what did not hold; the exit code is 1 where something did not.

    Raises UsageProblem for a scenario that is none, and Problem when a ladder cannot be written.
    """
    from pyc3p.simulate import SCENARIOS, simulate

    chosen = SCENARIOS.get(scenario)
    if chosen is None:
        raise UsageProblem(f"--scenario {scenario!r} is none of {', '.join(SCENARIOS)}")
    result = simulate(chosen, seed, minutes=minutes)
    if ladder is not None:
        try:
            ladder.write_text(result.story(), encoding="utf-8")
        except OSError as error:
            raise Problem(f"{ladder} cannot be written: {error.strerror}") from error
    if as_json:
        sys.stdout.write(json.dumps(as_dict(result)) + "\n")
    else:
        _say(result, with_ladder=ladder is None)
    return 1 if result.complaints else 0


def as_dict(result: Result) -> dict[str, object]:
    """A result for machines."""
    return {
        "scenario": result.scenario,
        "seed": result.seed,
        "minutes": result.minutes,
        "complaints": list(result.complaints),
        "counts": dict(result.counts),
        "digest": result.digest,
        "replay": result.replay,
    }


def _say(result: Result, *, with_ladder: bool) -> None:
    terminal, counts = Terminal(), result.counts
    if result.complaints and with_ladder:
        sys.stdout.write(result.story() + "\n")
    troubles = sum(number for what, number in counts.items() if what.startswith("trouble: "))
    terminal.say(
        f"{result.scenario}, seed {result.seed}, {result.minutes:g} minutes: {counts.get('commands', 0)} commands, "
        f"{troubles} troubles, {counts.get('sip messages', 0)} SIP messages that arrived"
    )
    for each in result.complaints:
        terminal.say(f"- {each}", "red")
    if result.complaints:
        terminal.say("To see it again:")
        terminal.say(f"    {result.replay}")
    else:
        terminal.say("Everything held.", "green")
