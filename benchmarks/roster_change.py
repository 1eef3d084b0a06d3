"""What a change of one participant costs a client, in a small conference and in a very large one.

Run ``python benchmarks/roster_change.py``. A document says that one endpoint has another status; it is read, merged
into the client's copy of the conference, and what it changed is listed. The yardstick is lxml, which builds the element
tree of the same octets. Figures are CPU time, the least of several rounds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import attrs
from lxml import etree

import c3p

FOCUS = c3p.focus_uri("sip:organizer@example.com", "0123456789ABCDEF")


def user(number: int, status: str = "connected") -> c3p.User:
    """A participant with one endpoint."""
    endpoint = c3p.Endpoint(
        entity=f"{{BA5328CC-C663-438C-BA63-F94FA4FF{number:04X}}}",
        state="full",
        session_type="audio-video",
        status=status,
        joining_method="dialed-out",
        media=(c3p.Media(id="1", type="audio", label="main-audio", status="sendrecv", media_source_id=number),),
        roles=("attendee",),
    )
    address = f"sip:user{number}@example.com"
    return c3p.User(
        entity=address, state="full", display_text=f"User {number}", roles=("attendee",), endpoints=(endpoint,)
    )


def conference(size: int) -> c3p.ConferenceInfo:
    """The whole document that a subscriber gets first."""
    users = c3p.Users(state="full", participant_count=size, users=tuple(map(user, range(size))))
    return c3p.ConferenceInfo(entity=FOCUS, state="full", version=1, users=users)


def change(number: int, version: int) -> bytes:
    """One endpoint is on hold, or back."""
    changed = user(number, "on-hold" if version % 2 else "connected")
    changed = attrs.evolve(changed, state="partial", endpoints=(attrs.evolve(changed.endpoints[0], state="partial"),))
    users = c3p.Users(state="partial", users=(changed,))
    return bytes(c3p.ConferenceInfo(entity=FOCUS, state="partial", version=version, users=users))


class Client:
    """Follows one conference."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._replica = c3p.Replica(entity=FOCUS)
        assert self._replica.receive(conference(size)) is c3p.Receipt.APPLIED
        self._version = 1

    def changes(self, count: int) -> list[bytes]:
        """The documents that come next, each about somebody else."""
        first, self._version = self._version + 1, self._version + count
        return [change(version * 7 % self._size, version) for version in range(first, first + count)]

    def take(self, data: bytes) -> tuple[c3p.Change, ...]:
        """Read one, merge it, and say what it has changed."""
        document = c3p.parse_document(data)
        assert isinstance(document, c3p.ConferenceInfo)
        assert self._replica.receive(document) is c3p.Receipt.APPLIED
        assert self._replica.info is not None
        return self._replica.changes


def best(work: Callable[[bytes], object], batches: list[list[bytes]]) -> float:
    """CPU microseconds for one document, the least of all batches."""
    times = []
    for batch in batches:
        began = time.process_time()
        for data in batch:
            work(data)
        times.append((time.process_time() - began) / len(batch))
    return min(times) * 1e6


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, nargs="+", default=[10, 1_000, 10_000], help="in the conference")
    parser.add_argument("--documents", type=int, default=200, help="of a round")
    parser.add_argument("--rounds", type=int, default=7, help="the fastest counts")
    options = parser.parse_args()
    print(f"{'users':>8}{'octets':>8}{'client, us':>12}{'lxml, us':>10}{'times':>7}")
    for size in options.users:
        client = Client(size)
        batches = [client.changes(options.documents) for _ in range(options.rounds)]
        theirs = best(etree.fromstring, batches)
        ours = best(client.take, batches)
        print(f"{size:8,}{len(batches[0][0]):8,}{ours:12.1f}{theirs:10.1f}{ours / theirs:7.1f}")


if __name__ == "__main__":
    main()
