"""Which of many sockets have something to read, for a loop that shall not be woken for each datagram.

A loop that watches every socket by itself has a turn, a handle and a call for each packet. So where the system has
``epoll`` all sockets are in one set, of which the loop watches the descriptor; and when they are many, the set is left
alone for some milliseconds after each look at it, in which more of them become readable. Elsewhere the loop
watches each socket.
"""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable
from typing import Final

#: Sockets from which on the set is left alone after a look at it: with fewer the loop is not woken often.
MANY: Final = 64
#: Seconds for which it is left alone: what a packet may seem later than it was.
PAUSE: Final = 0.004
#: Looks in a row, each of which takes one datagram from each readable socket, so that none starves the others.
_LOOKS: Final = 32

#: Reads one datagram; is given the time. It raises BlockingIOError when there is none, and OSError when there was
#: something else: an ICMP error of an earlier datagram, which is used up by that.
Read = Callable[[float], None]


class EachSocket:
    """The loop watches each socket; ``read`` is called until nothing is left, at most ``drain`` times.

    ``came`` is called when the loop found something to read, after that was read.
    """

    @property
    def many(self) -> bool:
        """The loop says at once what there is to read, whatever their number."""
        return False

    def __init__(self, loop: asyncio.AbstractEventLoop, drain: int, came: Callable[[], None]) -> None:
        self._loop, self._drain, self._came = loop, drain, came

    def add(self, opened: socket.socket, read: Read) -> None:
        """Watch a socket."""
        self._loop.add_reader(opened, self._readable, read)

    def remove(self, opened: socket.socket) -> None:
        """Watch it no more; to be called before it is closed."""
        self._loop.remove_reader(opened)

    def look(self) -> bool:
        """Read what is there; the loop will say so by itself."""
        return False

    def close(self) -> None:
        """Watch nothing any more."""

    def _readable(self, read: Read) -> None:
        now = self._loop.time()
        for _ in range(self._drain):
            try:
                read(now)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:  # pragma: no cover - Linux tells this only to connected sockets
                continue
        self._came()


class OneSet:
    """All sockets are in one ``epoll`` set; ``read`` is called once for each datagram that is there.

    ``came`` is called when the loop found something to read, after that was read.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        drain: int,
        came: Callable[[], None],
        many: Callable[[], bool] | None = None,
    ) -> None:
        self._loop, self._looks, self._came = loop, min(drain, _LOOKS), came
        self._many = many or (lambda: len(self._reads) >= MANY)
        self._set = select.epoll()
        self._reads: dict[int, Read] = {}
        self._pause: asyncio.TimerHandle | None = None
        self._watch()

    @property
    def many(self) -> bool:
        """Whether there are so many sockets or legs that it is better to look at them now and then."""
        return self._many()

    def add(self, opened: socket.socket, read: Read) -> None:
        """Watch a socket."""
        self._reads[opened.fileno()] = read
        self._set.register(opened, select.EPOLLIN)

    def remove(self, opened: socket.socket) -> None:
        """Watch it no more; to be called before it is closed."""
        if self._reads.pop(opened.fileno(), None) is not None:
            self._set.unregister(opened)

    def look(self) -> bool:
        """Read what is there; whether there was anything."""
        found = False
        for _ in range(self._looks):
            if self._set.closed:  # by whom a batch was handed over to
                break
            ready = self._set.poll(0, max(1, len(self._reads)))
            if not ready:
                break
            found = True
            now, reads = self._loop.time(), self._reads
            for number, _ in ready:
                read = reads.get(number)
                if read is None:  # it was removed by whom a batch was handed over to
                    continue
                try:
                    read(now)
                except (BlockingIOError, InterruptedError):
                    continue
                except OSError:  # pragma: no cover - Linux tells this only to connected sockets
                    continue
        return found

    def close(self) -> None:
        """Watch nothing any more."""
        if self._set.closed:
            return
        if self._pause is None:
            self._loop.remove_reader(self._set.fileno())
        else:
            self._pause.cancel()
        self._set.close()

    def _watch(self) -> None:
        self._pause = None
        self._loop.add_reader(self._set.fileno(), self._readable)

    def _readable(self) -> None:
        self.look()
        self._came()
        if self.many and not self._set.closed:
            self._loop.remove_reader(self._set.fileno())
            self._pause = self._loop.call_later(PAUSE, self._look_again)

    def _look_again(self) -> None:
        """After a pause: as long as each look finds something the loop need not watch."""
        self._pause = None
        found = self.look()
        self._came()
        if self._set.closed:
            return
        if found and self.many:
            self._pause = self._loop.call_later(PAUSE, self._look_again)
        else:
            self._watch()


def readiness(
    loop: asyncio.AbstractEventLoop,
    drain: int,
    came: Callable[[], None],
    *,
    many: Callable[[], bool] | None = None,
) -> EachSocket | OneSet:
    """The best way here; ``many`` says whether to look now and then, by default when there are many sockets."""
    return OneSet(loop, drain, came, many) if hasattr(select, "epoll") else EachSocket(loop, drain, came)
