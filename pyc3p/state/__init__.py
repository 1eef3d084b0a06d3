"""Where the state of a server is kept over a restart: what a store is, and the writer between it and a pump."""

from __future__ import annotations

from pyc3p.state.memory import MemoryStore
from pyc3p.state.sqlite import SqliteStore
from pyc3p.state.store import StateStore, StoreInUse, StoreUnavailable
from pyc3p.state.writer import StateWriter

__all__ = ["MemoryStore", "SqliteStore", "StateStore", "StateWriter", "StoreInUse", "StoreUnavailable"]
