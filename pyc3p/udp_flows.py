"""Flows of SIP over UDP, for a driver that has a socket and addresses."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import sip


class UdpFlows:
    """One flow for each remote address, as many as are remembered; the one that was used least goes first."""

    def __init__(self, endpoint: sip.Endpoint, new_flow: Callable[[str, sip.Address, sip.Address], sip.Flow]) -> None:
        self._endpoint, self._new_flow = endpoint, new_flow
        self._flows: OrderedDict[sip.Address, sip.Flow] = OrderedDict()

    def to(self, remote: sip.Address) -> sip.Flow | None:
        """That to an address; None where nothing of ours listens for UDP in its family."""
        found = self._flows.get(remote)
        if found is not None:
            self._flows.move_to_end(remote)
            return found
        for listen in self._endpoint.listen:
            if listen.transport == "UDP" and (":" in listen.host) == (":" in remote.host):
                made = self._flows[remote] = self._new_flow("UDP", sip.Address(listen.host, listen.port), remote)
                if len(self._flows) > self._endpoint.config.max_flows:
                    self._flows.popitem(last=False)
                return made
        return None
