"""C3P over HTTP with aiohttp, both ends (docs/c3p-over-http.rst). Needs the extra ``server``."""

from __future__ import annotations

try:
    import aiohttp as _aiohttp  # noqa: F401
except ImportError as error:  # pragma: no cover - the extra is there wherever tests run
    raise ImportError("c3p.aio needs aiohttp: pip install '.[server]' in a checkout") from error

from c3p.aio.client import C3pClient
from c3p.aio.server import C3pServer, Handler, Listen, Listener
from c3p.aio.trace import TraceSink
from c3p.carriage.settings import ClientSettings, ServerSettings

__all__ = ["C3pClient", "C3pServer", "ClientSettings", "Handler", "Listen", "Listener", "ServerSettings", "TraceSink"]
