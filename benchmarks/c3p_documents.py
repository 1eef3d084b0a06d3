"""How long C3P documents take: parse, serialise, apply, diff, stamp.

Run it with ``python benchmarks/c3p_documents.py``. The peer in the table is lxml alone: building the element tree
of the same bytes, and serialising that tree, without any meaning. The last column is how many times as long we take.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import attrs
from lxml import etree

import c3p

FOCUS = c3p.focus_uri("sip:organizer@example.com", "0123456789ABCDEF")
AV = c3p.mcu_uri(FOCUS, c3p.McuType.AUDIO_VIDEO)
USERS = 250


def user(number: int) -> c3p.User:
    """A participant with a Focus endpoint and an audio endpoint."""
    address = f"sip:user{number}@example.com"
    gruu = f"{address};opaque=user:epid:0123456789abcdef;gruu"
    focus = c3p.Endpoint(
        entity=f"{{BA5328CC-C663-438C-BA63-F94FA4FF{number:04X}}}",
        state="full",
        session_type="focus",
        epid="0123456789",
        endpoint_uri=gruu,
        status="connected",
        client_info=c3p.ClientInfo(lobby_capable=True),
    )
    audio = c3p.Endpoint(
        entity=f"{{CA5328CC-C663-438C-BA63-F94FA4FF{number:04X}}}",
        state="full",
        session_type="audio-video",
        endpoint_uri=gruu,
        status="connected",
        joining_method="dialed-in",
        joining_info=c3p.ExecutionInfo(when="2026-01-01T00:00:00Z", by=address),
        media=(c3p.Media(id="1", type="audio", label="main-audio", status="sendrecv", media_source_id=number),),
        roles=("attendee",),
        auth_method="enterprise",
        access_method="internal",
    )
    return c3p.User(
        entity=address,
        state="full",
        display_text=f"User {number}",
        roles=("attendee",),
        endpoints=(focus, audio),
    )


def roster() -> c3p.ConferenceInfo:
    """A whole document of USERS participants."""
    users = c3p.Users(state="full", participant_count=USERS, users=tuple(map(user, range(USERS))))
    return c3p.ConferenceInfo(entity=FOCUS, state="full", version=1, users=users)


def with_status(info: c3p.ConferenceInfo, number: int, status: str) -> c3p.ConferenceInfo:
    """The roster after one endpoint has another status; all other users keep their identity."""
    assert info.users is not None
    users = list(info.users.users)
    focus, audio = users[number].endpoints
    users[number] = attrs.evolve(users[number], endpoints=(focus, attrs.evolve(audio, status=status)))
    return attrs.evolve(info, version=2, users=attrs.evolve(info.users, users=tuple(users)))


def add_user() -> c3p.Request:
    """The dial-out of the main flow."""
    media = c3p.Media(id="1", type="audio", label="main-audio")
    endpoint = c3p.Endpoint(
        entity="{BA5328CC-C663-438C-BA63-F94FA4FF1D37}", joining_method="dialed-out", media=(media,)
    )
    callee = c3p.User(entity="sip:bob@example.com", display_text="Bob", roles=("attendee",), endpoints=(endpoint,))
    command = c3p.AddUser(mcu_uri=AV, conference_keys=c3p.ConferenceKeys(conf_entity=FOCUS), user=callee)
    return c3p.Request(request_id="1", from_="sip:organizer@example.com", to=FOCUS, command=command)


def add_user_of_a_client() -> bytes:
    """The same with 2 KB, of which we know half: what clients of other makers add is kept."""
    more = "".join(
        f'<x:capability xmlns:x="urn:example:capabilities" name="c{n}">yes</x:capability>' for n in range(14)
    )
    return bytes(add_user()).replace(b"</ci:user>", f"{more}</ci:user>".encode())


def microseconds(work: Callable[[], object], rounds: int, seconds: float) -> float:
    """CPU time of one call, the best of several rounds."""
    best = float("inf")
    for _ in range(rounds):
        started, spent, calls = time.process_time(), 0.0, 0
        while calls == 0 or spent < seconds:
            work()
            calls += 1
            spent = time.process_time() - started
        best = min(best, spent / calls)
    return best * 1e6


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each row; the fastest counts")
    parser.add_argument("--seconds", type=float, default=0.05, help="of each round")
    options = parser.parse_args()
    small, large = add_user(), roster()
    small_bytes, large_bytes, foreign_bytes = bytes(small), bytes(large), add_user_of_a_client()
    small_tree, large_tree = etree.fromstring(small_bytes), etree.fromstring(large_bytes)
    changed = with_status(large, USERS // 2, "on-hold")
    change = c3p.diff(large, changed)
    stamp = c3p.render_versions(change)
    rows: list[tuple[str, Callable[[], object], Callable[[], object] | None]] = [
        ("parse addUser", lambda: c3p.parse_document(small_bytes), lambda: etree.fromstring(small_bytes)),
        ("serialise addUser", lambda: bytes(small), lambda: etree.tostring(small_tree)),
        (
            "parse addUser of a client",
            lambda: c3p.parse_document(foreign_bytes),
            lambda: etree.fromstring(foreign_bytes),
        ),
        (f"parse {USERS} users", lambda: c3p.parse_document(large_bytes), lambda: etree.fromstring(large_bytes)),
        (f"serialise {USERS} users", lambda: bytes(large), lambda: etree.tostring(large_tree)),
        (f"apply one endpoint in {USERS}", lambda: large.apply(change), None),
        (f"diff one endpoint in {USERS}", lambda: c3p.diff(large, changed), None),
        (f"changes of one endpoint in {USERS}", lambda: c3p.changes(large, changed), None),
        ("stamp a version", lambda: stamp(17), None),
    ]
    print(f"addUser {len(small_bytes)} bytes, of a client {len(foreign_bytes)}, {USERS} users {len(large_bytes)} bytes")
    print(f"{'':38}{'c3p, us':>12}{'lxml, us':>12}{'times':>8}")
    for name, work, peer in rows:
        ours = microseconds(work, options.rounds, options.seconds)
        theirs = microseconds(peer, options.rounds, options.seconds) if peer else None
        print(f"{name:38}{ours:12.1f}" + (f"{theirs:12.1f}{ours / theirs:8.1f}" if theirs else ""))


if __name__ == "__main__":
    main()
