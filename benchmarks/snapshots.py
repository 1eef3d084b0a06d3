"""What keeping state costs: a dial-out with and without it, in calls, and what is written for it and for a join.

``python benchmarks/snapshots.py`` prints the calls of one dial-out in the protocol packages where nobody asks for state
and where servers keep it, the pieces and octets that the Focus writes for it, and what the join of one more writes in
conferences of several sizes, which should not depend on the size.
"""

from __future__ import annotations

import argparse
from collections import Counter

from dial_out import BOB, MEDIA, PACKAGES, Calls

import focus
from pyc3p.elements import FarmPlan, Handset, Person
from pyc3p.simnet import Meeting
from sip import Piece


class Written:
    """Counts what the Focus of a meeting writes."""

    def __init__(self, met: Meeting) -> None:
        self._host = met.host("focus")
        self._before: dict[str, Piece] = {}
        self.mark()

    def mark(self) -> None:
        """Count from here."""
        self._before = self._host.written

    @property
    def changed(self) -> list[Piece]:
        """The pieces that are other than at the mark."""
        return [piece for key, piece in self._host.written.items() if self._before.get(key) is not piece]

    def __str__(self) -> str:
        kinds = Counter(piece.key.split("/")[2 if piece.key.startswith("conference/") else 0] for piece in self.changed)
        octets = sum(len(piece.value or b"") for piece in self.changed)
        return f"{len(self.changed)} pieces, {octets:,} octets: " + ", ".join(f"{n} {k}" for k, n in kinds.items())


def meeting(durable: bool, people: int = 2) -> Meeting:
    """The scene of ``dial_out.py``, with servers that keep their state or do not."""
    names = [Person(name="presenter", user="ann", display_name="Ann")]
    names += [Person(name=f"p{n}", user=f"p{n}", display_name=f"P {n}") for n in range(1, people)]
    phone = Handset(name="phone", user="bob", ring_time=0.1)
    met = Meeting(FarmPlan(people=names, handsets=[phone], durable=durable), seed=7)
    met.register_phones()
    met.open()
    met.network.run_for(1.0)
    return met


def calls_of(met: Meeting) -> int:
    """Entries into functions of the protocol packages during one dial-out, as ``dial_out.py`` counts them."""
    met.outcome("presenter", met.dial("presenter", "sip:nobody@example.com"))
    met.network.run_for(2.0)
    with Calls() as calls:
        ended = met.outcome("presenter", met.dial("presenter", BOB))
        met.network.run_for(0.1)
    assert ended.succeeded, ended.text
    return sum(
        entries
        for path, entries in calls.of_project().values()
        if path.split("/")[0] in PACKAGES[:-1] and not path.startswith(MEDIA)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=[2, 10, 40], help="people in the conference")
    arguments = parser.parse_args()
    without, with_state = calls_of(meeting(durable=False)), calls_of(meeting(durable=True))
    print(f"calls of a dial-out: {without:,} without state, {with_state:,} with it (+{with_state / without - 1:.1%})")
    met = meeting(durable=True)
    written = Written(met)
    assert met.outcome("presenter", met.dial("presenter", BOB)).succeeded
    met.network.run_for(1.0)
    print(f"a dial-out leaves {written}")
    for size in arguments.sizes:
        met = meeting(durable=True, people=size + 1)
        last = f"p{size}"
        met.client(last).leave(now=met.network.now)
        met.sim.kick(last)
        met.network.run_for(2.0)
        written = Written(met)
        met.client(last).join(met.uri, now=met.network.now)
        met.sim.kick(last)
        met.network.run_until(lambda: met.client(last).state is focus.ClientState.JOINED)  # noqa: B023
        print(f"a join in a conference of {size}: {written}")


if __name__ == "__main__":
    main()
