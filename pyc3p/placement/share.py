"""Whose share is it? Every node comes to the same answer without asking another (rendezvous hashing).

Each node is given a number for each key, and the highest one gets it. When a node goes, only its own keys move, and
they move to all of the others in equal parts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def node_for(key: str, nodes: Iterable[str]) -> str | None:
    """The node that gets ``key``; None when there is no node."""
    return max(nodes, key=lambda node: (_weight(key, node), node), default=None)


def _weight(key: str, node: str) -> bytes:
    # Lengths keep two pairs from being written alike.
    return hashlib.blake2b(f"{len(node)}:{node}{key}".encode(), digest_size=8).digest()
