"""The proxy in front of several nodes, in a farm: it stands for the Kamailio of a deployment (docs/scaling.rst)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

import sip
from c3p import conf_id_of
from pyc3p.element import Element, HookedPump
from pyc3p.elements.parts import Place

#: Name of the element.
EDGE: Final = "edge"


@attrs.frozen
class _ByWayOf:
    """A target as the location of a `sip.Proxy` gives it: the same address, by way of a node."""

    uri: sip.Uri
    route: tuple[sip.NameAddr, ...]
    flow: sip.Flow | None = None
    q: float = 1.0


class Edge:
    """Gives each conference to a node by a hash of its id, which is a hint, as long as that node is up."""

    def __init__(self, nodes: Mapping[str, Place]) -> None:
        self.up: dict[str, None] = dict.fromkeys(nodes)  #: the nodes that it believes in
        self.salt = ""  #: another one gives conferences to other nodes
        self._nodes = nodes

    def targets(self, uri: sip.Uri) -> Sequence[_ByWayOf]:
        """Where a request goes; nowhere when no node is up."""
        conference = (conf_id_of(str(uri)) or "").lower()

        def rank(name: str) -> bytes:
            return hashlib.sha256(f"{self.salt}{name} {conference}".encode()).digest()

        first = min(self.up, key=rank, default=None)
        if first is None:
            return ()
        hop = self._nodes[first].sip_uri(transport="tcp").with_params(lr=None)
        return (_ByWayOf(uri, (sip.NameAddr(hop),)),)


def edge_proxy(place: Place, edge: Edge, domain: str, *, entropy: sip.Entropy) -> Element:
    """It stays on the way of every dialog, so that nodes can go and clients do not notice."""
    endpoint = place.endpoint(entropy)
    config = sip.ProxyConfig(domains=(domain,), trusted=place.trusted)
    proxy = sip.Proxy(endpoint, config, entropy=entropy.child("proxy"), location=edge.targets)
    return Element.of(place.name, pump=HookedPump(endpoint, [proxy]))
