"""Somebody at a node that sends requests on: he gets nothing by where he comes from, nor by what he says he is."""

from __future__ import annotations

import pytest

import sip
from pyc3p.placement.handover import HEADER
from pyc3p.simnet.raw import RawPeer
from tests.simulation.nodes import DOMAIN, FOCI, Nodes

#: On loopback, as whoever comes through a proxy on the same machine; and in the network of the nodes.
STRANGERS = ("127.0.0.9", "192.0.2.50")
VICTIM = "192.0.2.60"


def request(
    method: str,
    uri: str,
    stranger: str,
    *headers: tuple[str, str],
    user: str = "bob",
    via: str = "",
    body: bytes = b"",
) -> bytes:
    lines = (
        ("Via", f"SIP/2.0/TCP {via or stranger}:5060;branch=z9hG4bK-one"),
        ("Max-Forwards", "70"),
        ("From", f"<sip:{user}@{DOMAIN}>;tag=one"),
        ("To", f"<{uri}>"),
        ("Call-ID", f"one@{stranger}"),
        ("CSeq", f"1 {method}"),
        ("Contact", f"<sip:{user}@{stranger};transport=tcp>"),
        *headers,
        ("Content-Length", str(len(body))),
    )
    return bytes(sip.Request.build(method, uri, lines, body=body))


def at(nodes: Nodes, node: str, stranger: str, data: bytes) -> RawPeer:
    """Whoever has sent that to a node, some seconds later."""
    peer = RawPeer(nodes.network, "stranger", stranger)
    peer.connect(nodes.servers[node].host.host, 5060)
    peer.send(data)
    nodes.run(5.0)
    return peer


def running() -> tuple[Nodes, str]:
    """Nodes, and a conference of the first one with alice in it."""
    nodes = Nodes("alice")
    nodes.hint = "focus-1"
    conference = nodes.created("alice")
    nodes.join("alice", conference)
    assert nodes.owners(conference) == ["focus-1"]
    nodes.hint = None
    return nodes, conference


def sent_to(nodes: Nodes, host: str) -> list[sip.Request]:
    """The requests that nodes sent to a host."""
    found = [
        sip.parse_message(each.data)
        for each in nodes.network.recording.of_layer("sip")
        if each.destination[0] == host and each.source[0] in [one.host.host for one in nodes.servers.values()]
    ]
    return [each for each in found if isinstance(each, sip.Request)]


def elsewhere(conference: str, how: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The address of a conference, and headers, that lead to a victim."""
    if how == "Route":
        return conference, (("Route", f"<sip:{VICTIM};transport=tcp;lr>"),)
    user, _, rest = conference.partition(f"@{DOMAIN}")
    return f"{user}@{DOMAIN}{how}{rest}", ()


METHODS = ("MESSAGE", "INVITE", "ACK", "BENOTIFY", "SUBSCRIBE")


@pytest.mark.parametrize("how", ["Route", f";maddr={VICTIM}", f":5070;maddr={VICTIM}", ":5070"])
@pytest.mark.parametrize("stranger", STRANGERS)
def test_no_node_sends_anything_to_anybody_but_the_owner(stranger: str, how: str) -> None:
    nodes, conference = running()
    nodes.network.add_name(DOMAIN, sip.Destination("TCP", VICTIM, 5060))  # where another port of the domain leads
    uri, headers = elsewhere(conference, how)
    first = request("MESSAGE", conference, stranger)  # so that the node knows who has it
    attempts = [request(method, uri, stranger, *headers).replace(b"one", method.encode()) for method in METHODS]
    peer = at(nodes, "focus-2", stranger, b"".join((first, *attempts)))
    assert sent_to(nodes, VICTIM) == []
    answers = [each for each in peer.messages if isinstance(each, sip.Response) and each.status >= 200]
    refused = {each.cseq.method: each.status for each in answers if not each.call_id.startswith("one")}
    assert refused == dict.fromkeys(("MESSAGE", "INVITE", "SUBSCRIBE"), 403)


# Who somebody is -----------------------------------------------------------------------------------------------------


class Known:
    """A store with one user."""

    def secret(self, username: str, realm: str, algorithm: str) -> str | None:
        return sip.digest_secret(algorithm, username, realm, "secret") if username == "alice" else None


def asking(trusted: tuple[str, ...]) -> sip.Authenticator:
    return sip.Authenticator(
        sip.AuthenticatorConfig(domains=(DOMAIN,), trusted_networks=trusted),
        Known(),
        key=b"of all nodes",
        entropy=sip.SeededEntropy(b"authenticator"),
    )


EDGE = "192.0.2.2"
NODES = ("192.0.2.11", "192.0.2.12", "192.0.2.13")


def identified(*trusted: str) -> tuple[Nodes, str]:
    """Nodes that believe some, and a conference at the first one."""
    nodes = Nodes("alice", authenticator=asking(trusted))
    nodes.hint = "focus-1"
    conference = nodes.created("alice")
    nodes.join("alice", conference)
    return nodes, conference


def joining(conference: str, stranger: str, *headers: tuple[str, str], via: str = "") -> bytes:
    return request("SUBSCRIBE", conference, stranger, ("Event", "conference"), *headers, user="alice", via=via)


@pytest.mark.parametrize("node", FOCI)
@pytest.mark.parametrize("stranger", STRANGERS)
def test_who_comes_by_another_node_is_asked_who_he_is(stranger: str, node: str) -> None:
    """The nodes themselves are trusted here by their addresses, as settings of before have it."""
    nodes, conference = identified(EDGE, *NODES)
    headers = (("P-Asserted-Identity", f"<sip:alice@{DOMAIN}>"), (HEADER, f"believed;proof={'0' * 64}"))
    peer = at(nodes, node, stranger, joining(conference, stranger, *headers))
    assert [each.status for each in peer.responses("SUBSCRIBE")][-1:] == [401]


@pytest.mark.parametrize("node", FOCI)
def test_who_claims_to_be_a_node_is_asked_who_he_is(node: str) -> None:
    """With the Via of another node: it is not sent on by that, and not believed."""
    nodes, conference = identified(EDGE)
    peer = at(nodes, node, STRANGERS[1], joining(conference, STRANGERS[1], via=NODES[2]))
    assert [each.status for each in peer.responses("SUBSCRIBE")][-1:] == [401]


@pytest.mark.parametrize("node", FOCI)
@pytest.mark.parametrize("privacy", [(), (("Privacy", "id"),)])
def test_whom_a_trusted_proxy_vouches_for_is_known_at_every_node(
    node: str, privacy: tuple[tuple[str, str], ...]
) -> None:
    """Though no node is trusted by its address."""
    nodes, conference = identified(EDGE, "192.0.2.50")
    asserted = (("P-Asserted-Identity", f"<sip:alice@{DOMAIN}>"), *privacy)
    peer = at(nodes, node, "192.0.2.50", joining(conference, "192.0.2.50", *asserted))
    assert [each.status for each in peer.responses("SUBSCRIBE")][-1:] == [200]


def test_what_one_node_says_of_a_request_is_good_for_no_other() -> None:
    """Whoever reads it on its way cannot have himself believed by it."""
    nodes, conference = identified(EDGE, "192.0.2.50")
    at(nodes, "focus-2", "192.0.2.50", joining(conference, "192.0.2.50"))
    (passed,) = [each for each in sent_to(nodes, NODES[0]) if each.method == "SUBSCRIBE"]
    word = passed.headers.get(HEADER)
    assert word is not None
    thief = "192.0.2.51"
    peer = at(nodes, "focus-1", thief, joining(conference, thief, (HEADER, word)))
    assert [each.status for each in peer.responses("SUBSCRIBE")][-1:] == [401]
