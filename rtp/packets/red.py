"""Redundant audio data (RFC 2198): several encodings in one payload, the newest last."""

from __future__ import annotations

from typing import Final

import attrs

from rtp.errors import LocalProtocolError, MalformedPacket

_MAX_BLOCKS: Final = 8  #: legacy clients send one redundant block; more than a few make no sense


@attrs.frozen
class RedundantBlock:
    """One encoding."""

    payload_type: int
    payload: bytes
    timestamp_offset: int = 0  #: how much older than the packet, in timestamp units; 0 for the primary block


def parse_redundant(payload: bytes) -> tuple[RedundantBlock, ...]:
    """The blocks in order, the primary one last; raises MalformedPacket."""
    heads: list[tuple[int, int, int]] = []
    offset = 0
    while offset < len(payload) and payload[offset] & 0x80:
        if offset + 4 > len(payload) or len(heads) == _MAX_BLOCKS:
            raise MalformedPacket("redundant payload ends inside a header, or has too many")
        word = int.from_bytes(payload[offset : offset + 4], "big")
        heads.append((word >> 24 & 0x7F, word >> 10 & 0x3FFF, word & 0x3FF))
        offset += 4
    if offset >= len(payload):
        raise MalformedPacket("redundant payload without a primary block")
    primary, offset = payload[offset] & 0x7F, offset + 1
    blocks = []
    for payload_type, age, size in heads:
        if offset + size > len(payload):
            raise MalformedPacket("redundant payload ends inside a block")
        blocks.append(RedundantBlock(payload_type, payload[offset : offset + size], age))
        offset += size
    return (*blocks, RedundantBlock(primary, payload[offset:]))


def build_redundant(blocks: tuple[RedundantBlock, ...]) -> bytes:
    """A payload from blocks, the primary one last; raises LocalProtocolError when a field does not fit."""
    if not 1 <= len(blocks) <= _MAX_BLOCKS + 1:
        raise LocalProtocolError("a redundant payload has one to nine blocks")
    *redundant, primary = blocks
    heads = []
    for block in redundant:
        if block.timestamp_offset >= 1 << 14 or len(block.payload) >= 1 << 10:
            raise LocalProtocolError("a redundant block is too old or too long")
        word = 1 << 31 | block.payload_type << 24 | block.timestamp_offset << 10 | len(block.payload)
        heads.append(word.to_bytes(4, "big"))
    heads.append(bytes([primary.payload_type]))
    return b"".join(heads) + b"".join(block.payload for block in blocks)
