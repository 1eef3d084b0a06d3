"""Exchanges of one machine: each ends in exactly one call to its owner."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from c3p import (
    AddUser,
    Code,
    Command,
    ConferenceInfo,
    ConferenceKeys,
    Exchange,
    ExchangeFailure,
    Exchanges,
    GetConference,
    Notify,
    Reply,
    Request,
    Response,
    User,
)

KEYS = ConferenceKeys(conf_entity="sip:ann@example.com;gruu;opaque=app:conf:focus:id:1")
ADD_USER = AddUser(conference_keys=KEYS, user=User(entity="sip:bob@example.com"))


def request(command: Command) -> Request:
    return Request(request_id="1", from_="sip:a@example.com", to="sip:b@example.com", command=command)


class Owner:
    def __init__(self) -> None:
        self.told: list[tuple[int, Reply | ExchangeFailure]] = []

    def replied(self, exchange_id: int, reply: Reply, *, now: float) -> None:
        self.told.append((exchange_id, reply))

    def failed(self, exchange_id: int, reason: ExchangeFailure, *, now: float) -> None:
        self.told.append((exchange_id, reason))


class EachExchangeEndsOnce(RuleBasedStateMachine):
    """Posted, forgotten, ended once and more than once, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.exchanges: Exchanges[Owner] = Exchanges()
        self.owners: list[tuple[int, Owner]] = []
        self.expected: dict[int, list[tuple[int, Reply | ExchangeFailure]]] = {}
        self.forgotten: set[int] = set()
        self.open: set[int] = set()
        self.unexpected = 0

    @rule()
    def post(self) -> None:
        owner = Owner()
        number = self.exchanges.post("http://192.0.2.1/", request(ADD_USER), owner=owner, timeout=30.0)
        assert number not in self.expected
        self.owners.append((number, owner))
        self.expected[number] = []
        self.open.add(number)

    @rule(number=st.integers(1, 9))
    def forget(self, number: int) -> None:
        self.exchanges.forget(number)
        self.forgotten |= self.open & {number}

    @rule(number=st.integers(1, 9), outcome=st.sampled_from([Reply(200), Reply(503), *ExchangeFailure]))
    def end(self, number: int, outcome: Reply | ExchangeFailure) -> None:
        if isinstance(outcome, Reply):
            told = self.exchanges.replied(number, outcome, now=0.0)
        else:
            told = self.exchanges.failed(number, outcome, now=0.0)
        if number not in self.open:
            self.unexpected += 1
            assert told is None
        elif number not in self.forgotten:
            self.expected[number].append((number, outcome))
            assert told is not None
            assert told.told == self.expected[number]
        self.open.discard(number)

    @invariant()
    def owners_were_told_what_was_theirs(self) -> None:
        assert {number: owner.told for number, owner in self.owners} == self.expected
        assert self.exchanges.unexpected == self.unexpected
        assert len(self.exchanges) == len(self.open)


TestExchanges = EachExchangeEndsOnce.TestCase
TestExchanges.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)


def test_what_is_posted_is_taken_once_and_in_order() -> None:
    exchanges: Exchanges[Owner] = Exchanges()
    numbers = [exchanges.post(f"http://192.0.2.{n}/", request(ADD_USER), owner=None, timeout=n) for n in range(1, 4)]
    taken: list[Exchange] = exchanges.take()
    assert [each.id for each in taken] == numbers
    assert [(each.url, each.timeout) for each in taken] == [(f"http://192.0.2.{n}/", n) for n in range(1, 4)]
    assert exchanges.take() == []


def test_an_exchange_without_owner_ends_as_others_do() -> None:
    exchanges: Exchanges[Owner] = Exchanges()
    number = exchanges.post("http://192.0.2.1/", request(ADD_USER), owner=None, timeout=1.0)
    assert exchanges.replied(number, Reply(200), now=0.0) is None
    assert (len(exchanges), exchanges.unexpected) == (0, 0)


@pytest.mark.parametrize(
    ("document", "again"),
    [
        (request(ADD_USER), False),  # the phone would ring twice
        (request(GetConference(conference_keys=KEYS)), True),
        (request(ADD_USER).respond(Code.SUCCESS), True),
        (Notify(notification_id=1, from_="a", to="b", conference_info=ConferenceInfo(entity=KEYS.conf_entity)), True),
    ],
    ids=["addUser", "getConference", "response", "notify"],
)
def test_only_what_may_be_carried_out_twice_is_sent_again(document: Request | Response | Notify, again: bool) -> None:
    exchanges: Exchanges[Owner] = Exchanges()
    exchanges.post("http://192.0.2.1/", document, owner=None, timeout=1.0)
    assert [each.idempotent for each in exchanges.take()] == [again]


def test_request_ids_go_on_from_the_first() -> None:
    exchanges: Exchanges[Owner] = Exchanges(first_request_id=41)
    assert [exchanges.new_request_id() for _ in range(3)] == ["42", "43", "44"]
