"""One document of a whole conversation is altered: nothing raises, everything ends once, and the next one works."""

from __future__ import annotations

from focus_site import Site
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from tampering import Tamper, check_answers, check_commands, check_next, hold

from c3p import C3PError, Notify, Reply, parse_document
from c3p.testing import altered


def untouched(data: bytes) -> bytes:
    return data


def number_of_documents() -> int:
    site = Site()
    mcu = site.mcu()
    tamper = Tamper(site, None, untouched)
    mcu_posts(site, tamper)
    hold(site, mcu)
    return tamper.count


def mcu_posts(site: Site, tamper: Tamper) -> None:
    """What MCUs post goes through the hands of the tamper as well, and is parsed as an adapter does it."""
    receive = site.focus.receive_c3p

    def received(document: Notify, *, peer: str, now: float) -> Reply:
        try:
            return receive(parse_document(tamper.document(bytes(document))), peer=peer, now=now)
        except C3PError:
            return Reply(400)

    site.focus.receive_c3p = received  # type: ignore[method-assign, assignment]


def test_the_conversation_has_documents_of_every_kind() -> None:
    assert number_of_documents() > 60


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_one_altered_document_breaks_nothing(data: st.DataObject) -> None:
    site = Site()
    mcu = site.mcu()
    at = data.draw(st.integers(0, NUMBER - 1), label="document")
    tamper = Tamper(site, at, lambda document: data.draw(altered(document), label="altered"))
    mcu_posts(site, tamper)
    phones = hold(site, mcu)
    note(repr(tamper.done))
    check_answers(site)
    check_commands(phones)
    check_next(site, mcu)
    check_answers(site)


NUMBER = number_of_documents()


def test_the_conversation_itself_is_sound() -> None:
    site = Site()
    mcu = site.mcu()
    mcu_posts(site, Tamper(site, None, untouched))
    phones = hold(site, mcu)
    check_answers(site)
    check_commands(phones)
    check_next(site, mcu)
