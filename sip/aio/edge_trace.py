"""Cuts the bytes of a stream into messages for the trace, which shows messages and not reads."""

import re
from typing import Final

_LENGTH: Final = re.compile(rb"(?:^|\r?\n)(?:content-length|l)[ \t]*:[ \t]*([0-9]{1,9})", re.IGNORECASE)
_END_OF_HEADERS: Final = re.compile(rb"\r?\n\r?\n")
_MOST: Final = 256 * 1024  #: octets held while a message is not whole; a stream beyond that is shown as it comes


class MessageCutter:
    """Gives whole messages, and keep-alives as they are. It never fails: what it does not understand, it passes on."""

    def __init__(self) -> None:
        self._held = b""

    def cut(self, data: bytes) -> list[bytes]:
        """Take some bytes of the stream and return what is whole now."""
        held = self._held + data
        whole: list[bytes] = []
        while held:
            size = _size(held)
            if size is None or size > len(held):
                break
            whole.append(held[:size])
            held = held[size:]
        if len(held) > _MOST:
            whole.append(held)
            held = b""
        self._held = held
        return whole


def _size(held: bytes) -> int | None:
    """Octets of the first message or keep-alive, None when its headers are not whole yet."""
    blank = len(held) - len(held.lstrip(b"\r\n"))
    if blank:
        return blank
    end = _END_OF_HEADERS.search(held)
    if end is None:
        return None
    length = _LENGTH.search(held, 0, end.start())
    return end.end() + (int(length[1]) if length else 0)
