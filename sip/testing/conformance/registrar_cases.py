"""Cases for registrars: bindings, their order and their end, and digest (RFC 3261 sections 10.3 and 22)."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from sip.testing.conformance.case import Case, case
from sip.testing.conformance.registering import Registering
from sip.testing.conformance.tester import Tester
from sip.testing.judges.finding import Force

_SOURCE: Final = "RFC 3261 section 10.3"


def _phone(tester: Tester) -> Registering:
    assert tester.registering is not None
    return tester.registering


def _has_challenge(tester: Tester) -> bool:
    return _phone(tester).last_authorization is not None


def _is_bound(tester: Tester) -> bool:
    return bool(_phone(tester).alive)


@case(
    _SOURCE,
    "a REGISTER with the right credentials gets 200, which lists every binding with what is left of it",
    number=st.integers(1, 2),
    expires=st.sampled_from((90, 600)),
)
def registers(tester: Tester, number: int, expires: int) -> None:
    """What is not listed, the phone takes for lost."""
    phone = _phone(tester)
    contact = phone.contact(number)
    response = phone.register(f"registers for {expires} s", contact, expires)
    if response is None:
        return  # that it was not answered is a finding already
    if response.status != 200:
        clause = "right credentials let a user register his own address"
        tester.encounter.blame(_SOURCE, Force.MUST, clause, f"{response.status}", response)
        return
    phone.note(contact, expires, response)
    phone.judge_list(response)


@case(_SOURCE, "a REGISTER without Contact changes nothing and lists the bindings")
def asks_what_is_registered(tester: Tester) -> None:
    """The one way to see what a registrar has."""
    phone = _phone(tester)
    response = phone.register("asks what is registered", None, None)
    if response is not None and response.status == 200:
        phone.judge_list(response)


@case(_SOURCE, "Expires: 0 removes a binding", ready=_is_bound)
def unregisters(tester: Tester) -> None:
    """Else calls go on ringing at a desk where nobody sits."""
    phone = _phone(tester)
    contact = sorted(phone.alive)[0]
    response = phone.register("takes its address away", contact, 0)
    if response is not None and response.status == 200:
        phone.note(contact, 0, response)
        phone.judge_list(response)


@case(_SOURCE, "Contact: * with Expires: 0 removes all bindings", ready=_is_bound)
def unregisters_everything(tester: Tester) -> None:
    """A phone that was given to somebody else begins so."""
    phone = _phone(tester)
    response = phone.register("takes all addresses away", "*", 0)
    if response is not None and response.status == 200:
        for contact in phone.bindings:
            phone.note(contact, 0, response)
        phone.judge_list(response)


@case(_SOURCE, "Contact: * with another Expires than 0 gets 400", expires=st.sampled_from((None, 60)))
def registers_everything(tester: Tester, expires: int | None) -> None:
    """Nobody knows what it would mean."""
    response = _phone(tester).register("registers whatever there is", "*", expires)
    if response is not None and response.status != 400:
        clause = "Contact: * with another Expires than 0 gets 400"
        tester.encounter.blame(_SOURCE, Force.MUST, clause, f"{response.status}", response)


@case(
    _SOURCE,
    "a REGISTER that is not newer than the last one of its Call-ID changes nothing and fails",
    ready=_is_bound,
    back=st.integers(0, 1),
)
def registers_out_of_order(tester: Tester, back: int) -> None:
    """The one that removed the binding overtook it."""
    phone = _phone(tester)
    contact = sorted(phone.alive)[0]
    cseq = phone.bound_by.get(contact, phone.call.local_seq) - back
    response = phone.ask("registers what was overtaken", contact, 0, authorization=phone.authorization(), cseq=cseq)
    if response is not None and 200 <= response.status < 300:
        clause = "the CSeq of a REGISTER is higher than that of the binding with the same Call-ID"
        tester.encounter.blame(_SOURCE, Force.MUST, clause, f"{response.status} to CSeq {cseq}", response)


@case("RFC 3261 section 22.1", "a REGISTER without credentials gets 401 with a challenge")
def registers_without_credentials(tester: Tester) -> None:
    """Anybody could take the calls of anybody."""
    phone = _phone(tester)
    response = phone.ask("registers without credentials", phone.contact(9), 60)
    if response is not None and response.status != 401:
        clause = "who does not prove who he is gets 401"
        tester.encounter.blame("RFC 3261 section 22.1", Force.MUST, clause, f"{response.status}", response)


@case("RFC 3261 section 22.4", "wrong credentials buy nothing")
def registers_with_a_wrong_password(tester: Tester) -> None:
    """What the challenge is for."""
    phone = _phone(tester)
    response = phone.register("guesses a password", phone.contact(9), 60, password="guess")
    if response is not None and response.status < 300:
        tester.encounter.blame(
            "RFC 3261 section 22.4", Force.MUST, "wrong credentials get no 2xx", f"{response.status}", response
        )


@case("RFC 7616 section 3.4", "the same count of the same nonce does not serve twice", ready=_has_challenge)
def replays_credentials(tester: Tester) -> None:
    """Whoever has seen a REGISTER could send it again with a Contact of his own."""
    phone = _phone(tester)
    response = phone.ask(
        "sends credentials again that it has seen", phone.contact(9), 60, authorization=phone.last_authorization
    )
    if response is not None and response.status < 300:
        clause = "a count of a nonce serves once"
        tester.encounter.blame("RFC 7616 section 3.4", Force.SHOULD, clause, f"{response.status}", response)


@case(_SOURCE, "who is somebody else may not register an address: 403")
def registers_for_somebody_else(tester: Tester) -> None:
    """Right credentials, but of another user."""
    phone = _phone(tester)
    if phone.challenge is None:
        phone.ask("asks for a challenge", None, None)
    response = phone.ask(
        "registers the address of somebody else",
        phone.contact(9),
        60,
        authorization=phone.authorization(),
        aor=f"sip:somebody.else@{phone.domain}",
    )
    if response is not None and response.status < 300:
        tester.encounter.blame(
            _SOURCE, Force.MUST, "who may not register an address gets 403", f"{response.status}", response
        )


@case(_SOURCE, "bindings end with their time", seconds=st.sampled_from((1.0, 60.0, 120.0, 700.0)))
def lets_time_pass(tester: Tester, seconds: float) -> None:
    """A phone that lost its power does not say so."""
    tester.encounter.wait(seconds)


CASES: Final[tuple[Case, ...]] = (
    registers,
    asks_what_is_registered,
    unregisters,
    unregisters_everything,
    registers_everything,
    registers_out_of_order,
    registers_without_credentials,
    registers_with_a_wrong_password,
    replays_credentials,
    registers_for_somebody_else,
    lets_time_pass,
)
