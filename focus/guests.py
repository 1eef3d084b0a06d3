"""Guests: participants without an account, who prove a passcode or wait in the lobby (docs/security.rst; RFC 3323).

A guest says in From that it does not say who it is: its host is ``anonymous.invalid``. It picks a user part by which
the others tell it apart, a GUID. The passcode of a conference is proved by Digest (RFC 7616): the realm is the
conference, the user name whatever the guest calls itself. So it never crosses the wire, and as the hash contains a name
that the guest chose, it cannot be kept as a hash either; it stands in the record, and is shown nowhere.

Guests are there where the record wants them, and only for those whom ``identify`` asked for credentials, or knew as
anonymous: whom it refused stays out.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Final

import attrs

from c3p import AdmissionPolicy, EntryCheck, guid_key
from focus import refusal
from focus.arrivals import Guesser
from focus.context import Context
from focus.identity import Known, insist_on, is_authenticated, name_of
from focus.join import Join
from focus.participants import Participants
from focus.records import ConferenceRecord
from focus.refusal import Refusal, Refused
from focus.subscription_policy import NOT_JOINED
from sip import (
    AddressOfRecord,
    Challenged,
    ConferenceAddress,
    CredentialsRefused,
    DigestConfig,
    DigestOutcome,
    DigestServer,
    Entropy,
    Flow,
    Identified,
    NameAddr,
    Origins,
    Request,
    TokenBuckets,
    digest_secret,
)

#: Conferences whose nonces are known. One that is forgotten begins anew, and its guests prove the passcode once more.
_MOST_SERVERS: Final = 1_000
#: Nonces in use of one conference, about 200 bytes each; each is for one guest.
_MOST_NONCES: Final = 1_000
#: Sources and conferences of which wrong guesses are remembered, about 200 bytes each.
_MOST_GUESSERS: Final = 10_000

_TAKEN: Final = refusal.NOT_AUTHORISED.saying("That anonymous name is taken")


@attrs.frozen
class _Passcode:
    """A store of credentials in which everybody has the same password, whatever the name."""

    text: str = attrs.field(repr=False)

    def secret(self, username: str, realm: str, algorithm: str) -> str:
        """H(username:realm:passcode)."""
        return digest_secret(algorithm, username, realm, self.text)


def guest_in(request: Request, known: Known) -> AddressOfRecord | None:
    """The name of a guest; None when somebody is known, or sends under a name that is somebody's."""
    if isinstance(known, Identified):
        return None if is_authenticated(known.user) else known.user
    name = AddressOfRecord.read(str(request.from_.uri))
    return name if isinstance(known, Challenged) and not is_authenticated(name) else None


class Guests:
    """Whom a Focus lets in without an account."""

    def __init__(self, context: Context, entropy: Entropy) -> None:
        config = self._config = context.config
        self._emit = context.emit
        self._origins = Origins(context.endpoint.config.trusted_networks)
        self._listens_for_connections = any(each.transport != "UDP" for each in context.endpoint.config.listen)
        self._entropy = entropy
        self._wall_clock = context.endpoint.wall_clock
        self._servers: OrderedDict[str, tuple[str, DigestServer]] = OrderedDict()

        def guesses(most: int) -> TokenBuckets:
            return TokenBuckets(rate=most / config.guest_guess_window, burst=most, limit=_MOST_GUESSERS)

        self._by_source = guesses(config.guest_guesses_per_source)
        self._by_conference = guesses(config.guest_guesses_per_conference)
        self._numbers, self._forgeable_numbers = [guesses(config.guest_guesses_per_source) for _ in range(2)]

    def joining(
        self, request: Request, flow: Flow, record: ConferenceRecord, known: Known, *, now: float
    ) -> AddressOfRecord | None:
        """Under which name the sender of an INVITE takes part, None for nobody. Raises Refused, or asks back so."""
        guest = guest_in(request, known)
        if guest is None:
            return name_of(insist_on(known), request)
        if needs_passcode(record):
            self._prove(request, flow, record, known, now=now)
        elif record.admission_policy != AdmissionPolicy.ANONYMOUS and not record.lobby_capable:
            insist_on(known)
        return guest

    def following(
        self,
        request: Request,
        flow: Flow,
        record: ConferenceRecord,
        known: Known,
        participants: Participants,
        *,
        now: float,
    ) -> AddressOfRecord | None:
        """Who sent a SUBSCRIBE. A guest is known by the connection on which it joined, or by the passcode again.

        Raises Refused.
        """
        guest = guest_in(request, known)
        if guest is None:
            return name_of(insist_on(known), request)
        here = participants.of_user(guest.key)
        if not any(one.flow == flow for one in here):
            if not here or not needs_passcode(record):
                insist_on(known)
                raise Refused(NOT_JOINED)
            self._prove(request, flow, record, known, now=now)
        return guest

    def _prove(self, request: Request, flow: Flow, record: ConferenceRecord, known: Known, *, now: float) -> None:
        key = ConferenceAddress.read(record.focus_uri).key
        server, source = self._server(key, record.passcode or ""), self._origins.of(request, flow)
        verdict = server.verify(request, now=now, source=self._origins.forgeable(request, flow))
        outcome = verdict.outcome
        # Whoever has guessed too often is not told whether this guess was right.
        wait = self._by_conference.wait(key, now=now)
        if not self._origins.are_ours(source):
            wait = max(wait, self._by_source.wait(source, now=now))
        if verdict.username is not None and (wait > 0.0 or outcome is DigestOutcome.WRONG):
            why = "too many wrong passcodes" if wait > 0.0 else "wrong passcode"
            self._emit(
                CredentialsRefused(
                    owner=self._config.owner, realm=key, username=verdict.username, source=source, reason=why
                )
            )
        if outcome is not DigestOutcome.MISSING and wait > 0.0:
            raise Refused(_too_many(wait))
        if outcome is DigestOutcome.ACCEPTED:
            return
        if outcome is DigestOutcome.MALFORMED:
            raise Refused(Refusal(400, None, "The credentials cannot be read"))
        if outcome is DigestOutcome.WRONG:
            self._by_source.take(source, now=now)
            self._by_conference.take(key, now=now)
        headers = server.challenges(now=now, stale=outcome is DigestOutcome.STALE, source=source)
        # Somebody with an account may be hidden behind that name, and have better credentials.
        others = known.headers if isinstance(known, Challenged) and known.status == server.status else ()
        raise Refused(Refusal(server.status, None, "The passcode is needed", headers=(*headers, *others)))

    def asked(
        self, record: ConferenceRecord, request: Request, flow: Flow, *, now: float
    ) -> tuple[EntryCheck, Guesser]:
        """What a phone is asked at the door, and whose its wrong passcodes are.

        They count when they are keyed in, by somebody who has the call, and not before: nobody can make a call of
        which he does not get the answer, and who presses nothing has guessed nothing. The MCU counts them at that
        moment, in all calls, and is told what was counted elsewhere.
        """
        key, source = ConferenceAddress.read(record.focus_uri).key, self._origins.of(request, flow)
        limited = None if self._origins.are_ours(source) else source
        check = EntryCheck(
            passcode=record.passcode,
            tries=self._config.phone_passcode_tries,
            lobby=record.lobby_capable,
            source=limited,
            source_guesses=None if limited is None else int(self._by_source.left(limited, now=now)),
            conference_guesses=int(self._by_conference.left(key, now=now)),
        )
        return check, Guesser(conference=key, source=limited)

    def guessed(self, guesser: Guesser, user: str, *, now: float) -> None:
        """A phone has keyed in a wrong passcode."""
        self._by_conference.take(guesser.conference, now=now)
        if guesser.source is not None:
            self._by_source.take(guesser.source, now=now)
        self._emit(
            CredentialsRefused(
                owner=self._config.owner,
                realm=guesser.conference,
                username=user,
                source=guesser.source or "",
                reason="wrong passcode",
            )
        )

    def check_number(self, request: Request, flow: Flow, *, now: float) -> None:
        """Whether somebody of nowhere may try a dial-in number. Raises Refused after too many that were none.

        Over UDP anybody can be named as the source, and be kept from calling by that. So those count by themselves, and
        the way out is a connection, which proves where it comes from.
        """
        source, forgeable = self._origins.of(request, flow), self._origins.forgeable(request, flow) is not None
        counted = self._forgeable_numbers if forgeable else self._numbers
        wait = 0.0 if self._origins.are_ours(source) else counted.wait(source, now=now)
        if wait > 0.0 and forgeable and self._listens_for_connections:
            raise Refused(_by_tcp(request))
        if wait > 0.0:
            raise Refused(_too_many(wait).saying("Too many wrong numbers"))

    def wrong_number(self, request: Request, flow: Flow, *, now: float) -> None:
        """Somebody of nowhere has tried a number that is none: who tries all of them is stopped."""
        source, forgeable = self._origins.of(request, flow), self._origins.forgeable(request, flow) is not None
        if not self._origins.are_ours(source):
            (self._forgeable_numbers if forgeable else self._numbers).take(source, now=now)

    def _server(self, key: str, passcode: str) -> DigestServer:
        present = self._servers.get(key)
        if present is not None and present[0] == passcode:
            self._servers.move_to_end(key)
            return present[1]
        server = DigestServer(
            DigestConfig(realm=key, algorithms=self._config.guest_algorithms, max_nonces=_MOST_NONCES),
            _Passcode(passcode),
            key=bytes.fromhex(self._entropy.token(32)),
            entropy=self._entropy.child(key),
            wall_clock=self._wall_clock,
        )
        self._servers[key] = (passcode, server)
        self._servers.move_to_end(key)
        if len(self._servers) > _MOST_SERVERS:
            self._servers.popitem(last=False)
        return server


def needs_passcode(record: ConferenceRecord) -> bool:
    """Whether guests have to prove the passcode: those whom the record admits, if it has one."""
    return record.passcode is not None and record.admission_policy == AdmissionPolicy.ANONYMOUS


def check_name(join: Join, flow: Flow, participants: Participants) -> None:
    """An anonymous name belongs to the device that joined with it, as long as its connection is there. Raises Refused.

    Behind a proxy many come by one connection, and all of one name are one user, in front of the lobby or behind it.
    """
    if is_authenticated(join.user):
        return
    device = guid_key(join.endpoint.entity)
    for one in participants.of_user(join.user.key):
        if one.lost_until is None and (one.flow != flow or guid_key(one.endpoint) != device):
            raise Refused(_TAKEN, join.document)


def _too_many(wait: float) -> Refusal:
    return refusal.BUSY.saying("Too many wrong passcodes").after(max(1, math.ceil(wait)))


def _by_tcp(request: Request) -> Refusal:
    """The same address, by a connection (RFC 3261 section 21.3.3)."""
    contact = NameAddr(request.uri.with_params(transport="tcp"))
    return Refusal(302, None, "Call by TCP", headers=(("Contact", str(contact)),), phrase="Moved Temporarily")
