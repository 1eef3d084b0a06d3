"""Whole conversations in which one part of one message is altered, for as long as one likes.

``python fuzz/conversations.py --minutes 60`` plays calls, calls through a proxy, subscriptions, registrations and
conferences with a dial-out, each with one header of one message (or one line of a session description, one element or
attribute of a document over SIP or HTTP) replaced by junk, doubled, emptied or taken away. Whatever arrives: nothing
raises, every request gets its one final answer, nothing is left after the timers, and the next proper call works
(`sip.testing.checks`). What does not hold is shown with its number, and the script fails.

Each example is made of the seed and its number alone: ``--seed 7 --example 1234`` plays one again. Without ``--seed``
the seed is that of the commit. ``--only calls`` or ``--only conferences`` plays these alone.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pyc3p.simnet import hostile  # noqa: E402
from sip.testing import Seeded, scenes  # noqa: E402
from tests.altered.seed_of_commit import SEED  # noqa: E402

#: A conference takes as long as twenty calls; of this many examples one is a conference.
ONE_IN = 20
#: Failures that are shown; more only fill the screen.
MOST_SHOWN = 20

Plan = scenes.Plan | hostile.Plan


def plan_of(seed: int, number: int, only: str | None) -> Plan:
    """The example with that number."""
    choose = Seeded(seed, number)
    conference = only == "conferences" if only else number % ONE_IN == 0
    return hostile.plan_of(choose) if conference else scenes.plan_of(choose)


def play(plan: Plan) -> list[str]:
    """What did not hold."""
    try:
        return hostile.play(plan) if isinstance(plan, hostile.Plan) else scenes.play(plan)
    except Exception as error:  # what leaves the machines altogether
        return [f"raised {type(error).__name__}: {error}"]


def kind_of(wrong: str) -> str:
    """The first line without what differs from one example to the next."""
    return re.sub(r"[0-9a-f]{8,}|\d+", "#", wrong.partition("\n")[0])[:100]


def main() -> None:
    """Play for a while."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=1.0, help="how long")
    options.add_argument("--seed", type=int, default=SEED, help="of all examples")
    options.add_argument("--example", type=int, help="play this one alone, and show everything")
    options.add_argument("--first", type=int, default=0, help="begin with this one")
    options.add_argument("--only", choices=["calls", "conferences"], help="play these alone")
    asked = options.parse_args()
    if asked.example is not None:
        plan = plan_of(asked.seed, asked.example, asked.only)
        wrong = play(plan)
        print(f"seed {asked.seed}, example {asked.example}: {plan}")
        print("\n\n".join(wrong) or "all held")
        sys.exit(bool(wrong))
    end, number = time.monotonic() + 60 * asked.minutes, asked.first
    played: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    while time.monotonic() < end:
        plan = plan_of(asked.seed, number, asked.only)
        wrong = play(plan)
        played[plan.conversation if isinstance(plan, scenes.Plan) else "conference"] += 1
        if wrong:
            kinds[kind_of(wrong[0])] += 1
            if kinds.total() <= MOST_SHOWN:
                print(f"--seed {asked.seed} --example {number}: {plan}\n{wrong[0]}\n", flush=True)
        number += 1
    print(f"seed {asked.seed}: {played.total()} examples, {kinds.total()} in which something did not hold")
    for name, times in sorted(played.items()):
        print(f"  {times:7d} {name}")
    for kind, times in kinds.most_common():
        print(f"  {times:7d} {kind}")
    sys.exit(bool(kinds))


if __name__ == "__main__":
    main()
