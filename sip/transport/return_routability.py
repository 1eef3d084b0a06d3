"""Who is known to receive what it is sent, and how much the others may be sent.

Anybody can write any source address on a datagram. An element that answers such a question with more octets than it
took makes itself a tool: who wants to flood a victim asks in its name, and every answer, sent again until somebody
acknowledges it, goes there. So a UDP source counts as unproven until it has shown that it reads what we send to it, and
until then answers to it, all repetitions included, have at most ``EndpointConfig.amplification`` times the octets of
its questions (`UnprovenSources`). QUIC does the same, with a factor of three (RFC 9000 section 8.1).

What proves a source. It sends back something that only who received our message can know: a *word*. Three are taken:

- the To tag that we made for an answer to it, 64 random bits, in an ACK, PRACK or any other request;
- a nonce of a challenge of ours, in Authorization or Proxy-Authorization. Whether the credentials are right does not
  matter here, only that the challenge was read;
- the branch of a request that we sent there, in a response.

A connection needs no proof: its handshake was one. ``EndpointConfig.trusted_networks``, the loopback interface by
default, are proven from the start, because no stranger's datagram comes from there.

What does not. A word proves the one host that it was sent to, and only as long as nobody else was told it. Whoever has
an address of his own gets words for it lawfully, and would put them into datagrams with the victim's address:

- tags of dialogs are therefore no proof as such (they were once): our side of a dialog may have told its tag to
  another host, in a NOTIFY to the Contact of a SUBSCRIBE, in a BYE after an answer that nobody acknowledged, in the
  answer to a CANCEL. Such a tag is taken back when it is sent elsewhere (`UnprovenSources.told`);
- tags and nonces in answers that a proxy passes on were chosen by somebody else, who may be in league with who asks;
- the tag of an answer without transaction is made of the source address too, so that the same request from another
  address gets another one.

What cannot be afforded. A provisional answer is left out, and what it would have cost is kept for the final one; the
peer repeats its INVITE, which pays for more. A final answer that is too large is replaced by 302 with the same URI and
``transport=tcp``: there is a way, over which everything is said. Without a TCP listener it is 503 with Retry-After.
If not even that can be afforded, which takes a question in compact form, the next repetition of the question pays.
So nobody who reads what we send is left without an answer.

Requests of ours are not answers. Those inside a dialog, though, are caused by who began it: a NOTIFY by SUBSCRIBE, a
BYE by an INVITE that was answered and never acknowledged. They are taken off the credit too, as far as there is some,
and repeated only while there is; their first copy, which carries no document yet (`sip.subscription.amplification`), is
sent in any case. No request leaves a debt: a host that others have us ask is answered when it asks itself.

What a proxy passes on is caused by who sent it, and goes to whoever was registered, perhaps in a victim's name: one
question would become as many calls as there are bindings, with seven copies each. So to a host that is not proven a
request that was passed on is sent three times in all, and of those to bindings one is open at a time; others fail as if
there were no way (`UnprovenSources.opens`). The first answer, 100 to a call, is the proof that lifts both.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from sip.flow import Flow
from sip.networks import Networks

#: Octets of a word below which it could be guessed; tags of ours have 16, nonces more.
_SHORTEST_WORD: Final = 16


class ProvenSources:
    """Hosts that have shown that they receive what they are sent; the least recently heard of go first."""

    def __init__(self, limit: int, trusted: Networks) -> None:
        self._limit, self._trusted = limit, trusted
        self.hosts: OrderedDict[str, None] = (
            OrderedDict()
        )  #: who has; those of trusted networks once they were asked for

    def add(self, flow: Flow) -> None:
        """Note that the other side of a flow has read a message of ours."""
        if flow.transport == "UDP":
            self._add(flow.remote.host)

    def _add(self, host: str) -> None:
        hosts = self.hosts
        hosts[host] = None
        hosts.move_to_end(host)
        if len(hosts) > self._limit:
            hosts.popitem(last=False)

    def __contains__(self, flow: Flow) -> bool:
        return flow.transport != "UDP" or self.has(flow.remote.host)

    def has(self, host: str) -> bool:
        """Whether a host has shown it."""
        if host in self.hosts:
            return True
        if host not in self._trusted:
            return False
        self._add(host)  # so that it is found at once the next time
        return True


class UnprovenSources:
    """What hosts that are not proven may be sent, and what they could prove themselves with.

    At most ``limit`` hosts and as many words are kept; the oldest go first. Who is forgotten has to ask once more.
    """

    def __init__(self, limit: int, factor: int) -> None:
        self._limit, self._factor = limit, factor
        self._credit: OrderedDict[str, int] = OrderedDict()  # octets by host
        self.words: OrderedDict[str, str] = OrderedDict()  #: the host that was told it, by word
        self._open: dict[str, int] = {}  # the request that is open to a host; as many as there are transactions

    def heard(self, flow: Flow, size: int) -> None:
        """Note that a question of so many octets came from a host."""
        host = flow.remote.host
        self._credit[host] = self._credit.get(host, 0) + self._factor * size
        self._credit.move_to_end(host)
        if len(self._credit) > self._limit:
            self._credit.popitem(last=False)

    def credit(self, flow: Flow) -> int:
        """Return how many octets a host may be sent."""
        return self._credit.get(flow.remote.host, 0)

    def spend(self, flow: Flow, size: int) -> bool:
        """Take so many octets off the credit of a host; False when it has less."""
        host = flow.remote.host
        left = self._credit.get(host, 0) - size
        if left < 0:
            return False
        self._credit[host] = left
        return True

    def keep(self, flow: Flow, size: int) -> int:
        """Set so many octets of the credit of a host aside, or all that there are; returns how many.

        A negative number gives them back.
        """
        host = flow.remote.host
        if host not in self._credit:
            return 0
        kept = min(size, max(0, self._credit[host]))
        self._credit[host] -= kept
        return kept

    def owe(self, flow: Flow, size: int) -> None:
        """Take octets off the credit of a host that are sent in any case. It is never less than nothing."""
        host = flow.remote.host
        if host in self._credit:
            self._credit[host] = max(0, self._credit[host] - size)

    def opens(self, flow: Flow, request_id: int) -> bool:
        """Note that a request is open to a host; False when another one is."""
        return self._open.setdefault(flow.remote.host, request_id) == request_id

    def closes(self, flow: Flow, request_id: int) -> None:
        """Note that a request is over."""
        if self._open.get(flow.remote.host) == request_id:
            del self._open[flow.remote.host]

    # Words -----------------------------------------------------------------------------------------------------------

    def tell(self, flow: Flow, word: str) -> None:
        """Note that a host is sent something that nobody else knows."""
        if len(word) < _SHORTEST_WORD:
            return
        self.words[word] = flow.remote.host
        if len(self.words) > self._limit:
            self.words.popitem(last=False)

    def told(self, flow: Flow, word: str | None) -> None:
        """Note that a word was sent on a flow: if it is another host's, it proves nothing any more."""
        if word is not None and self.words.get(word, flow.remote.host) != flow.remote.host:
            del self.words[word]

    def knows(self, flow: Flow, word: str | None) -> bool:
        """Whether a host names a word that it, and nobody else, was sent."""
        return word is not None and self.words.get(word) == flow.remote.host

    def forget(self, flow: Flow, word: str | None = None) -> None:
        """Drop what is kept for a host that has proved itself, and the word that it named."""
        self._credit.pop(flow.remote.host, None)
        if word is not None:
            self.words.pop(word, None)
