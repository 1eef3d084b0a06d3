"""Many seeds of ``pyc3p simulate``, in pieces and on every core, with what they found.

    python -m fuzz.simulate --seeds 0..100000 --minutes 2

Each scenario gets each seed in turn. A line is written for each seed that found something, with the command that shows
it again; at the end, and on Ctrl-C or SIGTERM, the counts. The exit code is 1 when anything was found. A run that is to
go on another day begins at ``--seeds`` where the last one ended.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Final

from pyc3p.simulate import SCENARIOS, Result, simulate

#: Seeds that a process takes before another one takes its place: memory that a run leaves behind is given back.
_PIECE: Final = 20
#: Characters of a complaint that are written.
_SHOWN: Final = 300


def _play(job: tuple[str, int, float]) -> tuple[str, int, tuple[str, ...], dict[str, int], str]:
    """One seed, in a process of its own; what of it can travel."""
    scenario, seed, minutes = job
    result: Result = simulate(SCENARIOS[scenario], seed, minutes=minutes)
    return scenario, seed, result.complaints, dict(result.counts), result.replay


def _jobs(scenarios: list[str], seeds: range, minutes: float) -> Iterator[tuple[str, int, float]]:
    for seed, scenario in itertools.product(seeds, scenarios):
        yield scenario, seed, minutes


def main() -> int:
    """Run them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="0..1000", help="first and last but one, as in 0..1000")
    parser.add_argument("--scenario", action="append", choices=list(SCENARIOS), help="repeatable; all by default")
    parser.add_argument("--minutes", type=float, default=2.0, help="virtual minutes of each")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    options = parser.parse_args()
    first, _, end = options.seeds.partition("..")
    seeds, scenarios = range(int(first), int(end)), options.scenario or list(SCENARIOS)
    os.nice(15)
    done: Counter[str] = Counter()
    found: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    began = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # counts are told then too
    with multiprocessing.get_context("spawn").Pool(options.jobs, maxtasksperchild=_PIECE) as pool:
        try:
            for scenario, _, complaints, told, replay in pool.imap_unordered(
                _play, _jobs(scenarios, seeds, options.minutes)
            ):
                done[scenario] += 1
                counts.update(told)
                if complaints:
                    found[scenario] += 1
                    sys.stdout.write(f"{replay}\n")
                    sys.stdout.writelines(f"  - {' '.join(each.split())[:_SHOWN]}\n" for each in complaints)
                    sys.stdout.flush()
        except KeyboardInterrupt:
            pool.terminate()
    for scenario in scenarios:
        sys.stdout.write(f"{scenario}: {done[scenario]} seeds, {found[scenario]} found something\n")
    for what in ("commands", "ejections that are watched", "sip messages"):
        sys.stdout.write(f"{what}: {counts[what]}\n")
    troubles = sum(number for what, number in counts.items() if what.startswith("trouble: "))
    sys.stdout.write(f"troubles: {troubles}\n{time.monotonic() - began:.0f} s\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
