"""Conference records outlast a restart, as pieces of state."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from focus import ConferenceRecord, KeptRecords
from sip import LocalProtocolError, Piece, StateUnreadable, Uri, aor_key, read_piece, write_piece
from tests.focus.test_records import put, record


def restarted(store: KeptRecords, now: float = 0.0) -> KeptRecords:
    later = KeptRecords()
    assert later.restore(store.snapshot(), now=now) == []
    return later


def test_everything_in_a_record_comes_back() -> None:
    store = KeptRecords()
    whole = record(
        subject="Größe",
        mcu_types=("audio-video",),
        roles=(("sip:bob@example.com", "presenter"),),
        expires_at=600.5,
        autopromote=3,
        lobby_capable=True,
        passcode="1234567",
        dial_in="234567890",
        pstn_lobby_bypass=True,
        version=7,
    )
    key = put(store, whole)
    later = restarted(store)
    assert later.get(key) == whole
    assert later.of_number("234567890") == whole
    assert later.of_organizer(aor_key(Uri.parse(whole.organizer))) == (whole,)
    assert later.next_timeout() == 600.5
    assert later.expire(now=601.0) == [whole]


def test_only_what_changed_is_written() -> None:
    store = KeptRecords()
    first = put(store, record())
    assert [piece.key for piece in store.take_pieces()] == [f"record/{first.replace('/', '%2F')}"]
    second = put(store, record("ABCDEF0124", expires_at=5.0))
    store.replace(first, record(version=2))
    assert len(store.take_pieces()) == 2
    assert store.take_pieces() == []
    store.expire(now=5.0)
    store.remove(first)
    gone = store.take_pieces()
    assert [piece.value for piece in gone] == [None, None]
    assert store.remove(second) is None
    assert store.take_pieces() == []


def test_limits_hold_for_new_records_alone() -> None:
    store = KeptRecords()
    for number in range(3):
        put(store, record(f"ABCDEF012{number}"))
    later = KeptRecords(limit=2)
    later.restore(store.snapshot(), now=0.0)
    assert len(later) == 3


def test_what_cannot_be_read_is_left_out_and_told_and_the_rest_counts() -> None:
    store = KeptRecords()
    key = put(store, record())
    (good,) = store.snapshot()
    broken = [
        Piece("record/x", b"{"),
        write_piece("record/y", 1, {"record": {"conference_id": "ABCDEF01"}}),
        write_piece("record/z", 9, {}),
        *[
            write_piece("record/w", 1, {"record": {**read_piece(good, 1)["record"], field: value}})
            for field, value in [("expires_at", "x"), ("organizer", None), ("organizer", "x"), ("version", True)]
        ],
    ]
    later = KeptRecords()
    events = later.restore([*broken, Piece("dialog/a/b/c", b"{"), good], now=0.0)
    assert [event.key for event in events if isinstance(event, StateUnreadable)] == [piece.key for piece in broken]
    assert later.get(key) == record()
    with pytest.raises(LocalProtocolError):
        later.restore([good], now=0.0)
    assert len(later) == 1


TEXTS = st.none() | st.text(max_size=5)
RECORDS = st.builds(
    lambda subject, types, roles, expires_at, passcode: record(
        subject=subject, mcu_types=tuple(types), roles=tuple(roles), expires_at=expires_at, passcode=passcode
    ),
    TEXTS,
    st.lists(st.text(max_size=3), max_size=2),
    st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3)), max_size=2),
    st.none() | st.floats(0, 2e9),
    TEXTS,
)


@given(RECORDS)
def test_whatever_a_record_says_comes_back(one: ConferenceRecord) -> None:
    store = KeptRecords()
    key = put(store, one)
    assert restarted(store).get(key) == one


def test_no_passcode_is_shown() -> None:
    store = KeptRecords()
    put(store, record(passcode="secret-passcode"))
    assert "secret-passcode" not in repr(store)
