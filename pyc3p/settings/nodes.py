"""Settings of one node among others: ``[nodes]``."""

from __future__ import annotations

import math

import attrs

from pyc3p.problems import UsageProblem
from sip import SipError, Uri

_SCHEMES = ("redis://", "rediss://", "unix://")


@attrs.frozen(kw_only=True)
class NodesSettings:
    """Which nodes there are is in the store; a node needs to know where that is."""

    store: str = attrs.field(default="", repr=False)  #: URL of the Redis that all share; empty: this node is alone
    prefix: str = "pyc3p:"  #: of everything there, so that several deployments fit into one Redis
    #: SIP URI at which this node takes what others send on; empty: where it listens, over TCP
    address: str = ""
    #: Seconds for which a node that has handed its conferences over goes on sending requests to the new owners: as long
    #: as the proxy in front needs to see that it is gone.
    linger: float = 5.0

    def __attrs_post_init__(self) -> None:
        if self.store and not self.store.startswith(_SCHEMES):
            raise UsageProblem("nodes.store must be the URL of a Redis, such as redis://192.0.2.5:6379/0")
        if not 0.0 <= self.linger < math.inf:
            raise UsageProblem(f"nodes.linger must be some seconds, not {self.linger:g}")
        if self.address:
            try:
                Uri.parse(self.address)
            except SipError as error:
                raise UsageProblem(f"nodes.address is no SIP URI: {error}") from error
