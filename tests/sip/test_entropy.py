"""Entropy: repeatable from a seed, independent between children."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from sip import SeededEntropy


@given(st.binary(max_size=40), st.integers(1, 200))
def test_the_same_seed_gives_the_same_tokens(seed: bytes, size: int) -> None:
    first, second = SeededEntropy(seed), SeededEntropy(seed)
    tokens = [first.token(size) for _ in range(5)]
    assert tokens == [second.token(size) for _ in range(5)]
    assert len(set(tokens)) == 5 or size < 4
    assert all(len(token) == 2 * size and token == token.lower() for token in tokens)


def test_children_do_not_depend_on_what_others_drew() -> None:
    quiet, busy = SeededEntropy(b"seed"), SeededEntropy(b"seed")
    for _ in range(100):
        busy.token(9)
        busy.child("other").token(9)
    assert quiet.child("tags").token(16) == busy.child("tags").token(16)
    assert quiet.child("tags").token(16) != quiet.child("branches").token(16)


@given(st.integers(1, 128))
def test_integers_stay_below_their_number_of_bits(bits: int) -> None:
    source = SeededEntropy(b"%d" % bits)
    assert all(0 <= source.integer(bits) < 1 << bits for _ in range(20))


def test_uniform_fills_the_interval() -> None:
    source = SeededEntropy(b"uniform")
    tenths = Counter(int(source.uniform() * 10) for _ in range(5000))
    assert set(tenths) == set(range(10))
    assert min(tenths.values()) > 400


def test_the_seed_is_not_shown() -> None:
    assert "secret" not in repr(SeededEntropy(b"secret"))
