"""Where the state of a server is kept over a restart: what a store is, and the writer between it and a pump."""

from __future__ import annotations

from pyc3p.state.memory import MemoryStore
from pyc3p.state.store import StateStore, StoreUnavailable

__all__ = ["MemoryStore", "StateStore", "StoreUnavailable"]
