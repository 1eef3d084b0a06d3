"""Altered SIP messages: right ones and those of the corpus, of which something is changed by a seed and a number."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Final

import attrs

from pyc3p.conform.bench import Bench
from pyc3p.conform.corpus import CORPUS
from pyc3p.conform.peer import Peer, cancel_of
from pyc3p.simnet import BodyAlteration, BodyHow
from sip import Request
from sip.testing import JUNK, Seeded, alteration, with_length

_METHODS: Final = (
    *("OPTIONS", "INVITE", "REGISTER", "MESSAGE", "SUBSCRIBE", "NOTIFY", "REFER", "UPDATE", "INFO", "PRACK", "PUBLISH"),
    *("ACK", "BYE", "SERVICE"),
)
_FIELDS: Final = {
    "SUBSCRIBE": (("Event", "presence"), ("Expires", "60"), ("Accept", "application/pidf+xml")),
    "NOTIFY": (("Event", "presence"), ("Subscription-State", "active;expires=60")),
    "REFER": (("Refer-To", "<sip:nobody@nowhere.invalid>"),),
    "PRACK": (("RAck", "1 1 INVITE"),),
    "PUBLISH": (("Event", "presence"), ("Expires", "60")),
    "REGISTER": (("Expires", "60"), ("Supported", "path, gruu, outbound")),
    "INVITE": (("Session-Expires", "1800;refresher=uac"), ("Min-SE", "90"), ("Supported", "timer, 100rel, replaces")),
}
#: How many of all inputs begin as INVITE beyond their turn: it has most in it, and makes most of what an element keeps.
INVITES: Final = 0.25
#: Longest input; a datagram holds no more.
LONGEST: Final = 60_000


def first_messages(bench: Bench, peer: Peer) -> list[bytes]:
    """Right messages of every method, some responses, and the corpus."""
    requests = [_request(bench, peer, method) for method in _METHODS]
    invite = requests[_METHODS.index("INVITE")]
    found = [bytes(each) for each in requests] + [bytes(cancel_of(invite))]
    found += [bytes(invite.response(status, to_tag="t")) for status in (100, 180, 200, 302, 401, 486, 503)]
    via = peer.via("z9hG4bKodd")
    values = {
        "uri": str(bench.target.uri),
        "domain": bench.target.authority,
        "via": via,
        "rest": via.removeprefix("SIP/2.0/"),
        "via2543": via.replace("z9hG4bK", ""),
        "contact": str(peer.contact_uri),
        "me": str(peer.aor),
        "bob": str(peer.aor),
        "tag": "odd",
        "call": "odd@odd.invalid",
    }
    return found + [each.octets(values) for each in CORPUS]


def _request(bench: Bench, peer: Peer, method: str) -> Request:
    if method == "REGISTER":
        return bench.registration(peer, expires=None, headers=_FIELDS[method])
    described = method in ("INVITE", "UPDATE")
    body = bench.offer(peer) if described else b"hello" if method == "MESSAGE" else b""
    kind = "application/sdp" if described else "text/plain" if body else None
    headers = _FIELDS.get(method, ())
    return peer.request(method, headers=headers, body=body, content_type=kind, to_tag="t" if method == "BYE" else None)


@attrs.define(eq=False)
class SipInputs:
    """Altered messages by number; the same seed and number give the same alteration of the same message."""

    first: Sequence[bytes]
    seed: int

    def __getitem__(self, number: int) -> bytes:
        choose = Seeded(self.seed, number)
        dice = random.Random((self.seed << 32) + number)
        invites = [each for each in self.first if each.startswith(b"INVITE ")]
        data = dice.choice(invites if invites and dice.random() < INVITES else self.first)
        for _ in range(dice.choice((0, 1, 1, 1, 2, 3))):
            data = attrs.evolve(alteration(choose, 1), message=0).apply(data)
        head, separator, body = data.partition(b"\r\n\r\n")
        if body and dice.random() < 0.4:
            change = BodyAlteration(0, dice.randrange(1000), dice.choice(list(BodyHow)), dice.choice(JUNK))
            data = with_length(head + separator, change.apply(body))
        if dice.random() < 0.05:
            data = without_colon(dice, data)
        if dice.random() < 0.2:
            data = flipped(dice, data)
        if dice.random() < 0.1:
            data = data[: dice.randrange(len(data) + 1)]
        return data[:LONGEST]


def without_colon(dice: random.Random, data: bytes) -> bytes:
    """One header field has no colon any more."""
    lines = data.split(b"\r\n")
    end = lines.index(b"") if b"" in lines else len(lines)
    places = [place for place in range(1, end) if b":" in lines[place]]
    if places:
        place = dice.choice(places)
        lines[place] = lines[place].replace(b":", b"", 1)
    return b"\r\n".join(lines)


def flipped(dice: random.Random, data: bytes) -> bytes:
    """Some octets are others."""
    changed = bytearray(data)
    for _ in range(dice.choice((1, 3, 10))):
        if changed:
            changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def made_new(data: bytes, token: str) -> bytes:
    """A message that is no repetition of one before: in its branch and its Call-ID there is a new word."""
    data = data.replace(b"branch=z9hG4bK", b"branch=z9hG4bK" + token.encode() + b".")
    return re.sub(rb"(?im)^((?:call-id|i)[ \t]*:[ \t]*)", rb"\g<1>" + token.encode() + b".", data)
