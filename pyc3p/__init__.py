"""The reference application: command line, server, demonstration, simulated network, tracing.

``async with pyc3p.server() as server`` is a whole server inside a program, for tests and bots; `Host` drives every kind
of machine over a transport of your own. For tests of your own
there is :mod:`pyc3p.simnet`; :mod:`pyc3p.trace` shows what went over the network; :mod:`pyc3p.elements` runs whole
systems over real sockets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyc3p.trace.ladder import Ladder
from pyc3p.trace.trace import Names, Record, Recording, Trace
from pyc3p.version import VERSION

if TYPE_CHECKING:
    from pyc3p.elements.running_server import RunningServer, server
    from pyc3p.host import AnswerDocument, Host, HostOutput, PostDocument, RefuseHttp, SendPacket, server_host

__all__ = [
    "AnswerDocument",
    "Host",
    "HostOutput",
    "Ladder",
    "Names",
    "PostDocument",
    "Record",
    "Recording",
    "RefuseHttp",
    "RunningServer",
    "SendPacket",
    "Trace",
    "server",
    "server_host",
]

__version__ = VERSION


def __getattr__(name: str) -> object:
    # A server needs aiohttp and more, of the extra "server"; to look at a trace nobody needs them.
    if name in ("RunningServer", "server"):
        from pyc3p.elements import running_server

        return getattr(running_server, name)
    if name in ("AnswerDocument", "Host", "HostOutput", "PostDocument", "RefuseHttp", "SendPacket", "server_host"):
        from pyc3p import host

        return getattr(host, name)
    raise AttributeError(f"module 'pyc3p' has no attribute {name!r}")
