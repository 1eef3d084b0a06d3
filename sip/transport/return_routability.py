"""UDP sources that were seen to receive what was sent to them.

Anybody can write any source address on a datagram. Who names a tag or a branch that we chose at random has read a
message of ours, and only then may get more than it sent.
"""

from collections import OrderedDict

from sip.flow import Flow


class ProvenSources:
    """Hosts that answered, or that sent something inside a dialog; the least recently heard of go first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._hosts: OrderedDict[str, None] = OrderedDict()

    def add(self, flow: Flow) -> None:
        """Note that the other side of a flow has read a message of ours."""
        if flow.transport != "UDP":
            return
        hosts, host = self._hosts, flow.remote.host
        hosts[host] = None
        hosts.move_to_end(host)
        if len(hosts) > self._limit:
            hosts.popitem(last=False)

    def __contains__(self, flow: Flow) -> bool:
        return flow.transport != "UDP" or flow.remote.host in self._hosts
