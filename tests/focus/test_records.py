"""The store of conference records: bounded, one timer for all."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from focus import ConferenceRecord, MemoryStore, RecordExists, RecordNumbers, StoreFull
from focus.records import is_conference_id
from sip import ConferenceAddress, SeededEntropy


def record(
    conference_id: str = "ABCDEF0123", organizer: str = "sip:alice@example.com", **more: object
) -> ConferenceRecord:
    uri = f"{organizer};gruu;opaque=app:conf:focus:id:{conference_id}"
    made = ConferenceRecord(conference_id=conference_id, organizer=organizer, focus_uri=uri)
    return attrs.evolve(made, **more)  # type: ignore[arg-type]


def put(store: MemoryStore, one: ConferenceRecord) -> str:
    key = ConferenceAddress.read(one.focus_uri).key
    store.add(key, one)
    return key


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("A51BDAEBF85BD6DF39AC1C9E80ADF62D", True),
        ("abcd1234", True),
        ("abcd123", False),
        ("a" * 33, False),
        ("abcd-1234", False),
        ("äöüäöüäö", False),
        ("", False),
    ],
)
def test_conference_ids_are_8_to_32_alphanumerics(text: str, good: bool) -> None:
    assert is_conference_id(text) is good


def test_a_record_is_kept_found_replaced_and_removed() -> None:
    store = MemoryStore()
    one = record()
    key = put(store, one)
    assert store.get(key) is one
    newer = attrs.evolve(one, version=2)
    store.replace(key, newer)
    assert store.of_organizer("alice@example.com") == (newer,)
    assert store.remove(key) is newer
    assert store.remove(key) is None
    assert (store.get(key), store.of_organizer("alice@example.com"), len(store)) == (None, (), 0)


def test_an_id_is_used_once() -> None:
    store = MemoryStore()
    put(store, record())
    with pytest.raises(RecordExists):
        put(store, record())
    with pytest.raises(KeyError):
        store.replace("nothing", record())


def test_limits_hold_for_all_and_for_one_organizer() -> None:
    store = MemoryStore(limit=2, per_organizer=1)
    put(store, record())
    with pytest.raises(StoreFull):
        put(store, record("OTHER12345"))
    put(store, record(organizer="sip:bob@example.com"))
    with pytest.raises(StoreFull):
        put(store, record(organizer="sip:carol@example.com"))
    assert len(store) == 2


def test_expiry_is_one_timer_in_monotonic_time() -> None:
    store = MemoryStore(wall_clock=1_000.0)
    assert store.next_timeout() is None
    put(store, record("NEVERENDS1"))
    late, early = record("LATE123456", expires_at=1_200.0), record("EARLY12345", expires_at=1_100.0)
    put(store, late)
    put(store, early)
    assert store.next_timeout() == 100.0
    assert store.expire(now=99.9) == []
    assert store.expire(now=100.0) == [early]
    assert store.expire(now=1_000.0) == [late]
    assert store.next_timeout() is None
    assert len(store) == 1


def test_a_record_whose_time_was_changed_expires_at_the_new_time_only() -> None:
    store = MemoryStore()
    key = put(store, record(expires_at=100.0))
    store.replace(key, record(expires_at=300.0))
    assert store.expire(now=200.0) == []
    assert store.next_timeout() == 300.0
    store.replace(key, record(expires_at=None))
    assert store.next_timeout() is None


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["add", "replace", "remove"]), st.integers(1, 100))))
def test_whatever_was_done_the_timer_is_the_earliest_expiry(steps: list[tuple[int, str, int]]) -> None:
    store = MemoryStore()
    expected: dict[str, ConferenceRecord] = {}
    for number, action, at in steps:
        one = record(f"RECORD{number:04}", expires_at=float(at))
        key = ConferenceAddress.read(one.focus_uri).key
        if action == "add" and key not in expected:
            store.add(key, one)
            expected[key] = one
        elif action == "replace" and key in expected:
            store.replace(key, one)
            expected[key] = one
        elif action == "remove":
            assert store.remove(key) == expected.pop(key, None)
        assert store.next_timeout() == min((each.expires_at or 0.0 for each in expected.values()), default=None)


def test_what_was_removed_does_not_pile_up() -> None:
    store = MemoryStore()
    for number in range(1_000):
        store.remove(put(store, record(f"RECORD{number:04}", expires_at=float(number))))
    assert len(store._expiries) < 100


def test_a_number_leads_to_the_record_that_has_it_now() -> None:
    store = MemoryStore()
    first = put(store, record(dial_in="234567890"))
    second = put(store, record("ABCDEF0124"))
    assert store.of_number("234567890") == store.get(first)
    store.replace(first, record(dial_in="345678901", version=2))
    assert store.of_number("234567890") is None
    store.replace(second, record("ABCDEF0124", dial_in="234567890", version=2))
    store.remove(first)
    assert store.of_number("345678901") is None
    assert store.of_number("234567890") == store.get(second)


def test_numbers_are_drawn_until_one_is_free_and_none_is_given_twice() -> None:
    store = MemoryStore()
    numbers = RecordNumbers(store, SeededEntropy(b"numbers"), digits=4, prefix="88")
    drawn = []
    for index in range(60):
        made = record(f"CONFERENCE{index:02}")
        number = numbers.number_for(made)
        assert number is not None
        assert numbers.is_number(number)
        put(store, attrs.evolve(made, dial_in=number))
        drawn.append(number)
    assert len(set(drawn)) == 60
    assert numbers.conference_of(drawn[7]) == record("CONFERENCE07").focus_uri
    assert numbers.conference_of("880000") is None
    for none in ("", "88", "8812345", "8801234", "99" + drawn[0][2:], "88" + "2x45", "88²345"):
        assert not numbers.is_number(none)
