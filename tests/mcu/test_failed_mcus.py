"""What an MCU Factory does with an MCU of which a Focus says that it failed: until it is heard, and afterwards."""

from __future__ import annotations

import pytest

from c3p import ExchangeFailure, GetMcuHealth, Reply, Request
from mcu import StaticMcu
from tests.mcu.test_factory import Farm

ONE = ("one",)


def farm(*mcus: str) -> Farm:
    made = Farm(forget_after=1e6)
    for mcu_id in mcus:
        made.announce(mcu_id, legs=0)
    return made


def answer_probe(made: Farm, *, healthy: bool) -> None:
    for exchange in made.factory.c3p_to_send():
        assert isinstance(exchange.document, Request)
        assert isinstance(exchange.document.command, GetMcuHealth)
        assert exchange.peer == "one"
        if healthy:
            document = exchange.document
            health = GetMcuHealth(mcu_id="one", conferences=0, legs=0, capacity=100, draining=False)
            made.factory.receive_reply(
                exchange.id, Reply(200, document.respond("success", command=health)), now=made.now
            )  # type: ignore[arg-type]
        else:
            made.factory.exchange_failed(exchange.id, ExchangeFailure.CONNECT, now=made.now)


def test_while_it_is_away_it_is_not_given_to_that_conference_again() -> None:
    made = farm("one")
    assert made.chosen(1, exclude=ONE) is None
    made.now += 1.0
    assert made.chosen(1) is None  # not excluded any more, and not heard
    assert made.chosen(2) == "one"  # what one Focus cannot reach may be well for all others


def test_as_soon_as_it_announces_itself_it_is_given_also_where_it_is_excluded() -> None:
    made = farm("one")
    assert made.chosen(1, exclude=ONE) is None
    made.now += 3.0
    made.announce("one")
    assert made.chosen(1, exclude=ONE) == "one"
    # and when it fails once more, it was heard before that
    made.now += 1.0
    assert made.chosen(1, exclude=ONE) is None


def test_another_one_goes_before_it() -> None:
    made = farm("one", "two")
    assert made.chosen(1) == "one"
    assert made.chosen(1, exclude=ONE) == "two"
    made.now += 3.0
    made.announce("one")
    assert made.chosen(1, exclude=ONE) == "two"


def test_it_is_asked_at_once_since_the_focus_may_have_been_slow_to_notice() -> None:
    made = farm("one")
    assert made.chosen(1, exclude=ONE) is None
    assert made.chosen(2, exclude=ONE) is None  # one question is open
    made.now += 0.1
    answer_probe(made, healthy=True)
    assert made.chosen(1) == "one"
    assert made.chosen(2) == "one"


def test_questions_without_answer_make_it_no_worse() -> None:
    made = farm("one")
    for number in range(9):
        assert made.chosen(number, exclude=ONE) is None
        answer_probe(made, healthy=False)
    assert made.factory.mcus == ONE


@pytest.mark.parametrize("excluded", [("one",), ("nobody",)])
def test_one_that_never_says_anything_is_excluded_by_the_focus_alone(excluded: tuple[str, ...]) -> None:
    known = StaticMcu(mcu_id="one", http_url="http://one.example.com/", sip_uri="sip:one.example.com", capacity=10)
    made = Farm(mcus=(known,))
    assert made.chosen(1, exclude=excluded) == (None if excluded == ONE else "one")
    assert made.chosen(1) == "one"


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcu.factory.failed.MAX_CONFERENCES", 3)
    made = farm("one")
    for number in range(4):
        assert made.chosen(number, exclude=ONE) is None
    assert made.chosen(0) == "one"
    assert made.chosen(3) is None
