"""A store gives back what was last written under each key, whatever it keeps it in."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyc3p.state import MemoryStore, StateStore, StoreUnavailable
from sip import Piece, piece_key

PARTS = st.lists(st.sampled_from(["a", "ab", "a/b", "%", "conference"]), min_size=1, max_size=3)
PIECES = st.builds(lambda parts, value: Piece(piece_key(*parts), value), PARTS, st.none() | st.binary(max_size=3))


async def after(store: StateStore, changes: Sequence[Sequence[Piece]], prefix: str = "") -> dict[str, bytes | None]:
    for change in changes:
        await store.write(change)
    found = await store.load(prefix)
    assert len({piece.key for piece in found}) == len(found)
    return {piece.key: piece.value for piece in found}


def expected(changes: Sequence[Sequence[Piece]], parts: Sequence[str]) -> dict[str, bytes | None]:
    last = {piece.key: piece.value for change in changes for piece in change}
    found = {key: value for key, value in last.items() if value is not None}
    wanted = piece_key(*parts).split("/") if parts else []
    return {key: value for key, value in found.items() if key.split("/")[: len(wanted)] == wanted}


@given(st.lists(st.lists(PIECES, max_size=4), max_size=5), PARTS | st.just([]))
def test_the_last_piece_under_a_key_counts_and_a_prefix_means_whole_parts(
    changes: list[list[Piece]], parts: list[str]
) -> None:
    found = asyncio.run(after(MemoryStore(), changes, piece_key(*parts)))
    assert found == expected(changes, parts)


def test_a_closed_store_is_unavailable() -> None:
    async def scene() -> None:
        store = MemoryStore([Piece("a", b"1")])
        await store.close()
        await store.close()
        with pytest.raises(StoreUnavailable):
            await store.write([Piece("a", b"2")])
        with pytest.raises(StoreUnavailable):
            await store.load()

    asyncio.run(scene())
