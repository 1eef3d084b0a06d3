"""How long C3P documents take: parse, serialise, apply, diff, stamp.

Run it with ``python benchmarks/c3p_documents.py``. The peer in the table is lxml alone: building the element tree
of the same bytes, and serialising that tree, without any meaning.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import attrs
from lxml import etree

import c3p

FOCUS = c3p.focus_uri("sip:organizer@example.com", "0123456789ABCDEF")
AV = c3p.mcu_uri(FOCUS, c3p.McuType.AUDIO_VIDEO)
USERS = 250
ROUNDS = 7


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


def microseconds(work: Callable[[], object]) -> float:
    """Best time of one call."""
    best = float("inf")
    for _ in range(ROUNDS):
        started, calls = time.perf_counter(), 0
        while time.perf_counter() - started < 0.05:
            work()
            calls += 1
        best = min(best, (time.perf_counter() - started) / calls)
    return best * 1e6


def main() -> None:
    """Print the table."""
    small, large = add_user(), roster()
    small_bytes, large_bytes = bytes(small), bytes(large)
    small_tree, large_tree = etree.fromstring(small_bytes), etree.fromstring(large_bytes)
    changed = with_status(large, USERS // 2, "on-hold")
    change = c3p.diff(large, changed)
    stamp = c3p.render_versions(change)
    rows: list[tuple[str, Callable[[], object], Callable[[], object] | None]] = [
        ("parse addUser", lambda: c3p.parse_document(small_bytes), lambda: etree.fromstring(small_bytes)),
        ("serialise addUser", lambda: bytes(small), lambda: etree.tostring(small_tree)),
        (f"parse {USERS} users", lambda: c3p.parse_document(large_bytes), lambda: etree.fromstring(large_bytes)),
        (f"serialise {USERS} users", lambda: bytes(large), lambda: etree.tostring(large_tree)),
        (f"apply one endpoint in {USERS}", lambda: large.apply(change), None),
        (f"diff one endpoint in {USERS}", lambda: c3p.diff(large, changed), None),
        (f"changes of one endpoint in {USERS}", lambda: c3p.changes(large, changed), None),
        ("stamp a version", lambda: stamp(17), None),
    ]
    print(f"addUser {len(small_bytes)} bytes, {USERS} users {len(large_bytes)} bytes")
    print(f"{'':38}{'c3p, us':>12}{'lxml, us':>12}")
    for name, work, peer in rows:
        compared = f"{microseconds(peer):12.1f}" if peer else ""
        print(f"{name:38}{microseconds(work):12.1f}{compared}")


if __name__ == "__main__":
    main()
