"""Run mutants against the conformance kit, each in a process of its own, and print which case finds which.

``python -m tests.conformance.run_mutants`` runs all; with words, those whose names have one of them; with
``--draw 10`` as many as that, others for each commit. Fails when one lives.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

from tests.altered.seed_of_commit import SEED
from tests.conformance.mutant import ROOT, Mutant, MutatedImport
from tests.conformance.mutants import MUTANTS

#: Sequences of cases that a mutant has to fall to, and seconds after which it has hung.
EXAMPLES: Final = 100
PATIENCE: Final = 280


def found_by(mutant: Mutant) -> tuple[str, str] | None:
    """The case to which a mutant falls, and what was found; None when it lives."""
    command = [sys.executable, "-m", "tests.conformance.run_mutants", "--one", mutant.name]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=ROOT, timeout=PATIENCE, check=False, env=environment
        )
    except subprocess.TimeoutExpired:
        return "(none)", "it does not come to an end"
    if done.returncode != 0:
        raise RuntimeError(f"{mutant.name}: {done.stderr[-2000:]}")
    case, seen = json.loads(done.stdout.splitlines()[-1])
    return (case, seen) if case else None


def run_one(mutant: Mutant | None, suite: str) -> tuple[str, str] | None:
    """Run a suite in this process, with a mutant or without."""
    if mutant is not None:
        MutatedImport(mutant).install()
    if suite.startswith("live "):
        from tests.conformance.live_suites import found_live

        return found_live(suite, () if mutant is None else mutant.select)
    from hypothesis import HealthCheck, Phase, seed, settings
    from hypothesis.stateful import run_state_machine_as_test

    from sip.testing import NotConforming
    from tests.conformance.suites import SUITES

    given = settings(
        max_examples=EXAMPLES,
        stateful_step_count=15,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    try:
        for story in SUITES[suite].stories:
            SUITES[suite].tell(story)
        run_state_machine_as_test(seed(SEED)(SUITES[suite]), settings=given)
    except NotConforming as found:
        return found.case, str(found.findings[0])
    except Exception as error:
        return "(raised)", f"{type(error).__name__}: {error}".splitlines()[0][:200]
    return None


def drawn(number: int) -> Sequence[Mutant]:
    """Some of them, others for each commit."""
    return random.Random(SEED).sample(MUTANTS, number)


def main(words: Sequence[str]) -> int:
    """Run, and print a table."""
    if words[:1] == ["--one"]:
        mutant = next(each for each in MUTANTS if each.name == words[1])
        print(json.dumps(run_one(mutant, mutant.suite) or ("", "")))
        return 0
    if words[:1] == ["--draw"]:
        chosen = drawn(int(words[1]))
    else:
        chosen = [each for each in MUTANTS if not words or any(word in each.name for word in words)]
    alive = []
    for mutant in chosen:
        found = found_by(mutant)
        case, seen = found or ("LIVES", "")
        print(f"{mutant.name:60} {mutant.suite:12} {case:32} {seen[:160]}", flush=True)
        if found is None:
            alive.append(mutant.name)
    print(f"{len(chosen) - len(alive)} of {len(chosen)} fall")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
