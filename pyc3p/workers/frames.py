"""What goes between a server and the process of a worker: frames with a length, over a pipe.

A frame is four octets of length, one of kind, and the content. Messages are JSON objects; records of a trace carry
octets, after one line of JSON.
"""

from __future__ import annotations

import enum
import json
import struct
from collections.abc import Iterator
from typing import Any, Final

#: The largest frame: measures of a busy MCU take some 100 KiB, a traced message at most 1 MiB.
MAX_FRAME: Final = 8 * 1024 * 1024

_HEAD: Final = struct.Struct("!IB")


class Kind(enum.IntEnum):
    """What a frame carries."""

    SETTINGS = 1  #: pickled, to the worker, first of all: nobody but the process that started it writes to that pipe
    MESSAGE = 2
    RECORD = 3


class BrokenPipeProtocol(ValueError):
    """The other side wrote what is no frame: it cannot be followed any more."""


def frame(kind: Kind, content: bytes) -> bytes:
    """One frame; raises ValueError when the content is larger than the other side takes."""
    if len(content) > MAX_FRAME:
        raise ValueError(f"{len(content)} octets do not fit into a frame")
    return _HEAD.pack(len(content), kind) + content


def message(**fields: object) -> bytes:
    """The frame of a message."""
    return frame(Kind.MESSAGE, json.dumps(fields, default=str).encode())


def record(fields: dict[str, object], data: bytes) -> bytes:
    """The frame of a traced record."""
    return frame(Kind.RECORD, json.dumps(fields).encode() + b"\n" + data)


def read_message(content: bytes) -> dict[str, Any]:
    """The fields of a message; raises BrokenPipeProtocol."""
    try:
        fields = json.loads(content)
    except ValueError as error:
        raise BrokenPipeProtocol("a message that is no JSON") from error
    if not isinstance(fields, dict):
        raise BrokenPipeProtocol("a message without fields")
    return fields


def read_record(content: bytes) -> tuple[dict[str, Any], bytes]:
    """The fields and octets of a record; raises BrokenPipeProtocol."""
    head, _, data = content.partition(b"\n")
    return read_message(head), data


class FrameReader:
    """Cuts a stream into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def rest(self) -> bytes:
        """What came of frames that have not been given; they are somebody else's from now on."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    def receive(self, data: bytes) -> Iterator[tuple[Kind, bytes]]:
        """The frames that are whole now; raises BrokenPipeProtocol."""
        self._buffer += data
        while len(self._buffer) >= _HEAD.size:
            length, kind = _HEAD.unpack_from(self._buffer)
            if length > MAX_FRAME or kind not in set(Kind):
                raise BrokenPipeProtocol(f"a frame of kind {kind} with {length} octets")
            end = _HEAD.size + length
            if len(self._buffer) < end:
                return
            content = bytes(self._buffer[_HEAD.size : end])
            del self._buffer[:end]
            yield Kind(kind), content
