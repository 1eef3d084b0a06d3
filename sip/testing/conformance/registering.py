"""A phone as a registrar sees it: what it has registered, and what it proves itself with."""

from __future__ import annotations

import hashlib
from typing import Final

import attrs

from sip.errors import RemoteProtocolError
from sip.headers.challenge import Challenge
from sip.headers.name_addr import NameAddr
from sip.message.response import Response
from sip.testing.conformance.asked import Asked, Call
from sip.testing.conformance.encounter import TESTER
from sip.testing.conformance.tester import Tester
from sip.testing.judges.finding import Force

#: Seconds by which the end of a binding may be off: what is rounded, and what is on its way.
GRACE: Final = 2.0


@attrs.frozen(kw_only=True)
class Account:
    """Who may register what."""

    aor: str  #: sip:user@domain
    user: str
    password: str


@attrs.define(eq=False)
class Registering:
    """Registers by digest (RFC 3261 section 22), and knows which bindings there have to be."""

    tester: Tester
    account: Account
    domain: str
    bindings: dict[str, float] = attrs.Factory(dict)  #: when each ends, by the Contact
    challenge: Challenge | None = None
    count: int = 0
    last_authorization: str | None = None
    bound_by: dict[str, int] = attrs.Factory(dict)  #: the CSeq that made each binding
    _call: Call | None = None

    @property
    def call(self) -> Call:
        """All REGISTERs of a phone share a Call-ID (RFC 3261 section 10.2)."""
        if self._call is None:
            self._call = self.tester.new_call(f"sip:{self.domain}")
            self._call.remote = f"<{self.account.aor}>"
            self._call.local = f"<{self.account.aor}>;tag=reg"
        return self._call

    @property
    def alive(self) -> set[str]:
        """The Contacts that are certainly bound."""
        return {each for each, ends in self.bindings.items() if ends > self.tester.now + GRACE}

    @property
    def dead(self) -> set[str]:
        """Those that certainly are not."""
        return {each for each, ends in self.bindings.items() if ends < self.tester.now - GRACE}

    def contact(self, number: int) -> str:
        """One of the addresses of the phone."""
        return f"sip:phone{number}@{TESTER.host}:{5060 + number}"

    def ask(
        self,
        why: str,
        contact: str | None,
        expires: int | None,
        *,
        authorization: str | None = None,
        cseq: int | None = None,
        aor: str | None = None,
    ) -> Response | None:
        """Send one REGISTER and wait for its final answer."""
        headers: list[tuple[str, object]] = []
        if expires is not None:
            headers.append(("Expires", expires))
        if authorization is not None:
            headers.append(("Authorization", authorization))
        call = self.call
        if aor is not None:
            call = attrs.evolve(call, call_id=f"other-{self.tester.next_number()}", remote=f"<{aor}>")
            call.local = f"<{aor}>;tag=reg"
        asked = self.tester.ask(
            "REGISTER",
            "",
            why,
            call=call,
            headers=headers,
            cseq=cseq,
            contact=f"<{contact}>" if contact not in (None, "*") else contact,
        )
        return self.wait_for(asked)

    def wait_for(self, asked: Asked) -> Response | None:
        """Let time pass until the final answer is there."""
        for _ in range(40):
            if asked.final is not None:
                break
            self.tester.encounter.wait(0.05)
        if asked.final is not None and asked.final.status == 401:
            self._learn(asked.final)
        return asked.final

    def register(
        self, why: str, contact: str | None, expires: int | None, *, password: str | None = None
    ) -> Response | None:
        """Register with credentials, asking for a challenge first where there is none yet."""
        response = self.ask(why, contact, expires, authorization=self.authorization(password))
        if response is not None and response.status == 401:
            response = self.ask("answers the challenge", contact, expires, authorization=self.authorization(password))
        return response

    def authorization(self, password: str | None = None) -> str | None:
        """Credentials for the newest challenge, with the next count; None without one."""
        if self.challenge is None:
            return None
        self.count += 1
        params = {name.lower(): (value or "") for name, value in self.challenge.params.items()}
        realm, nonce = params["realm"].strip('"'), params["nonce"].strip('"')
        uri, count = f"sip:{self.domain}", f"{self.count:08x}"
        made = hashlib.sha256 if params.get("algorithm", "MD5").upper().startswith("SHA-256") else hashlib.md5

        def digest(text: str) -> str:
            return made(text.encode(), usedforsecurity=False).hexdigest()

        secret = digest(f"{self.account.user}:{realm}:{self.account.password if password is None else password}")
        response = digest(f"{secret}:{nonce}:{count}:tester:auth:{digest('REGISTER:' + uri)}")
        self.last_authorization = (
            f'Digest username="{self.account.user}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
            f'response="{response}", algorithm={params.get("algorithm", "MD5")}, qop=auth, nc={count}, cnonce="tester"'
        )
        return self.last_authorization

    def _learn(self, response: Response) -> None:
        try:
            found = Challenge.parse(response.headers.get("WWW-Authenticate", ""))
        except RemoteProtocolError as error:
            clause = "WWW-Authenticate is a challenge"
            self.tester.encounter.blame("RFC 3261 section 20.44", Force.MUST, clause, f"{error}", response)
            return
        if self.challenge is None or found.params.get("nonce") != self.challenge.params.get("nonce"):
            self.challenge, self.count = found, 0

    def judge_list(self, response: Response) -> None:
        """RFC 3261 section 10.3 step 8: a 200 lists every binding, each with what is left of it."""
        source, now = "RFC 3261 section 10.3", self.tester.now
        listed = {str(each.uri): each for each in response.contact if isinstance(each, NameAddr)}
        for missing in sorted(self.alive - set(listed)):
            self.tester.encounter.blame(source, Force.MUST, "a 200 lists all bindings", f"without {missing}", response)
        for dead in sorted(self.dead & set(listed)):
            self.tester.encounter.blame(source, Force.MUST, "a binding ends with its time", f"with {dead}", response)
        for uri, each in listed.items():
            left = each.expires
            if uri not in self.bindings:
                self.tester.encounter.blame(
                    source, Force.MUST, "a 200 lists what was registered", f"with {uri}", response
                )
            elif left is None:
                clause = "each Contact of a 200 has expires"
                self.tester.encounter.blame(source, Force.MUST, clause, f"{each}", response)
            elif left > self.bindings[uri] - now + GRACE:
                clause = "expires is what is left of the binding"
                self.tester.encounter.blame(
                    source, Force.MUST, clause, f"{left} for {self.bindings[uri] - now:.0f}", response
                )

    def note(self, contact: str, expires: int, response: Response) -> None:
        """A 200 to a REGISTER of ours: the binding lasts as long as it says."""
        granted = next(
            (each.expires for each in response.contact if isinstance(each, NameAddr) and str(each.uri) == contact), None
        )
        self.bound_by[contact] = response.cseq.number
        if expires:
            self.bindings[contact] = self.tester.now + (expires if granted is None else min(granted, expires))
        else:
            self.bindings[contact] = self.tester.now - GRACE - 1.0
