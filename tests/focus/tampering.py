"""A conversation in which one document is not what its sender wrote."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from fake_mcu import FakeMcu
from focus_site import Phone, Site

from c3p import C3PError, Exchange, ExchangeFailure, Reply, Response, parse_document
from focus import (
    CapabilitiesReceived,
    CommandFailed,
    CommandSucceeded,
    ConferenceCreated,
    Joined,
    JoinFailed,
    LocalProtocolError,
)
from sip import Request as SipRequest
from sip import Response as SipResponse

PHONE = "sip:phone@example.org"
_TYPE = re.compile(rb"\r\nContent-Type: *application/(?:cccp|conference-info)\+xml", re.IGNORECASE)
_LENGTH = re.compile(rb"\r\nContent-Length: *\d+", re.IGNORECASE)
_ENDINGS = (CapabilitiesReceived, CommandFailed, CommandSucceeded, ConferenceCreated, Joined, JoinFailed)


class Tamper:
    """Counts the documents that reach real machines, and replaces the one whose number is `at`."""

    def __init__(self, site: Site, at: int | None, alter: Callable[[bytes], bytes]) -> None:
        self._at, self._alter = at, alter
        self.count = 0
        self.done: tuple[bytes, bytes] | None = None
        self._answer = site.net.answer
        site.net.tamper = self.message  # type: ignore[method-assign]
        site.net.answer = self.answer  # type: ignore[method-assign, assignment]

    def document(self, data: bytes) -> bytes:
        """The document, or what becomes of it."""
        number, self.count = self.count, self.count + 1
        if number != self._at:
            return data
        self.done = (data, self._alter(data))
        return self.done[1]

    def message(self, sender: str, data: bytes) -> bytes:
        """A SIP message with its document."""
        head, empty, body = data.partition(b"\r\n\r\n")
        if not body or _TYPE.search(head) is None:
            return data
        body = self.document(body)
        return _LENGTH.sub(b"\r\nContent-Length: %d" % len(body), head) + empty + body

    def answer(self, focus: object, node: object, exchange: Exchange, outcome: Reply | ExchangeFailure) -> None:
        """An answer over HTTP with its document, as an adapter would give it to the Focus."""
        if isinstance(outcome, Reply) and outcome.document is not None:
            try:
                document = parse_document(self.document(bytes(outcome.document)))
            except C3PError:
                document = None
            outcome = Reply(outcome.status, document) if isinstance(document, Response) else ExchangeFailure.UNUSABLE
        self._answer(focus, node, exchange, outcome)  # type: ignore[arg-type]


def hold(site: Site, mcu: FakeMcu) -> list[Phone]:
    """A whole conversation: whatever fails on the way, what comes after it is tried."""
    alice, bob = site.client("alice"), site.client("bob")

    def do(command: Callable[[], object]) -> None:
        with suppress(LocalProtocolError):  # a client that did not get in cannot command
            command()
        site.net.run()

    now = site.net.now
    do(lambda: alice.client.get_capabilities(now=now))
    do(lambda: alice.client.create_conference(now=now))
    created = alice.node.of(ConferenceCreated)
    conference = created[-1].conference_uri if created else site.created(site.client("dora"))
    for phone in (alice, bob):
        do(lambda phone=phone: phone.client.join(conference, now=now))  # type: ignore[misc]
        do(lambda phone=phone: phone.client.subscribe(now=now))  # type: ignore[misc]
    do(lambda: alice.client.add_user(PHONE, now=now))
    if PHONE in mcu.dialled:
        mcu.answer_call(PHONE)
    do(lambda: alice.client.mute(PHONE, endpoint=endpoint_of(alice), now=now))
    do(lambda: alice.client.mute_all(True, now=now))
    do(lambda: alice.client.modify_user_roles("sip:bob@example.com", "presenter", now=now))
    do(lambda: bob.client.set_lock(True, now=now))
    do(lambda: bob.client.get_conference(now=now))
    do(lambda: alice.client.delete_user(PHONE, now=now))
    if PHONE in mcu.users:
        mcu.boot(PHONE)
    do(lambda: alice.client.delete_user("sip:bob@example.com", now=now))
    do(lambda: alice.client.end_conference(now=now))
    site.net.run(700.0)
    return [alice, bob]


def endpoint_of(phone: Phone) -> str:
    """The phone's endpoint as a client sees it, or any."""
    user = phone.user(PHONE) if phone.client.roster is not None else None
    return user.endpoints[0].entity if user is not None and user.endpoints else "{x}"


def check_answers(site: Site) -> None:
    """Every request got exactly one final answer, whoever sent it."""
    asked: Counter[tuple[str, int, str]] = Counter()
    answered: Counter[tuple[str, int, str]] = Counter()
    for node in site.net.agents:
        for one in site.net.messages(node.name):
            key = (one.call_id, one.cseq.number, one.cseq.method)
            if isinstance(one, SipRequest) and one.method not in ("ACK", "BENOTIFY"):
                asked[key] += 1
            elif isinstance(one, SipResponse) and one.status >= 200:
                answered[key] += 1
    wrong = {key: (count, answered[key]) for key, count in asked.items() if answered[key] != count}
    assert not wrong, wrong
    assert set(answered) <= set(asked)


def check_commands(phones: list[Phone]) -> None:
    """Every command that was given has ended exactly once."""
    for phone in phones:
        ended = Counter(event.command for event in phone.node.events if isinstance(event, _ENDINGS))
        given = phone.client._outgoing._next_command
        assert ended == Counter(range(1, given + 1)), (phone.node.name, given, ended)


def check_next(site: Site, mcu: FakeMcu) -> None:
    """The next conference is as if nothing had happened."""
    carol = site.client("carol")
    conference = site.created(carol)
    site.joined(carol, conference)
    erin = site.joined(site.client("erin"), conference)
    carol.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    mcu.answer_call(PHONE)
    assert carol.status(PHONE) == erin.status(PHONE) == "connected"
    assert isinstance(carol.node.events[-1], CommandSucceeded | Joined) or carol.node.of(CommandSucceeded)
    assert not carol.node.of(CommandFailed)
