"""Judges of documents: ours are right, and what is changed in one is found by its clause."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c3p import (
    Code,
    ConferenceDescription,
    ConferenceInfo,
    ConferenceKeys,
    DeleteConference,
    Endpoint,
    GetConference,
    Request,
    Response,
    User,
    Users,
    diff,
)
from c3p.testing import (
    FOCUS_URI,
    Finding,
    check_document,
    check_exchange,
    check_roster_sequence,
    conference_infos,
    conference_states,
    mutated_documents,
    requests,
)

ALICE, BOB = "sip:alice@example.com", "sip:bob@example.com"
ENDPOINT = Endpoint(entity="{BA5328CC-C663-438C-BA63-F94FA4FF1D01}", state="full", status="connected")
ASKED = Request(
    request_id="7",
    from_=ALICE,
    to=FOCUS_URI,
    command=GetConference(conference_keys=ConferenceKeys(conf_entity=FOCUS_URI)),
)


def info(*users: User, version: int | None = 1, state: str = "full", users_state: str = "full") -> ConferenceInfo:
    return ConferenceInfo(
        entity=FOCUS_URI,
        state=state,
        version=version,
        description=ConferenceDescription() if state == "full" else None,
        users=Users(state=users_state, users=users),
    )


def user(entity: str = ALICE, *endpoints: Endpoint, state: str = "full") -> User:
    return User(entity=entity, state=state, endpoints=endpoints or (ENDPOINT,))


def clauses(found: list[Finding]) -> list[str]:
    return [each.clause for each in found]


@given(requests())
def test_every_answer_of_ours_to_every_command_passes(request: Request) -> None:
    answers = [request.respond(Code.PENDING), request.respond(Code.SUCCESS)]
    assert [each for each in check_exchange(request, answers) if each.force.value == "MUST"] == []


@given(conference_states(unknown=False), conference_states(unknown=False))
def test_what_we_say_of_a_change_passes(before: ConferenceInfo, after: ConferenceInfo) -> None:
    first = attrs.evolve(before, version=1)
    second = attrs.evolve(diff(before, after), version=2)
    assert check_roster_sequence([first, second]) == []


def test_a_right_document_passes() -> None:
    assert check_document(bytes(info(user(), user(BOB)))) == []
    assert check_document(bytes(ASKED)) == []


@pytest.mark.parametrize(
    ("document", "clause"),
    [
        (info(user(), version=None), "the root has a version"),
        (attrs.evolve(info(user()), entity=""), "the root names the conference"),
        (attrs.evolve(info(user()), description=None), "a full document has conference-description"),
        (info(user(), user()), "keys are unique among siblings"),
        (info(user(ALICE, ENDPOINT, ENDPOINT)), "keys are unique among siblings"),
        (info(user(state="partial")), "what is in something full is full"),
        (info(user(), users_state="partial"), "what is in something full is full"),
        (info(user(), state="some"), "a state is full, partial or deleted"),
        (info(user(state="deleted"), state="partial", users_state="partial"), "what is deleted has no children"),
        (info(user(ALICE, attrs.evolve(ENDPOINT, status="asleep"))), "the status of an endpoint is one of the list"),
    ],
)
def test_a_document_that_is_wrong_by_itself_is_found(document: ConferenceInfo, clause: str) -> None:
    assert clause in clauses(check_document(bytes(document)))


def test_what_is_no_document_is_found() -> None:
    assert clauses(check_document(b"<conference-info>")) == ["a document is well-formed and valid"]


def test_two_commands_in_one_document_are_found() -> None:
    both = attrs.evolve(ASKED, more=(DeleteConference(conference_keys=ConferenceKeys(conf_entity=FOCUS_URI)),))
    assert clauses(check_document(bytes(both))) == ["there is exactly one command in a document"]


@pytest.mark.parametrize(
    ("changed", "clause"),
    [
        ({"request_id": "8"}, "requestId of a response is requestId of its request"),
        ({"from_": BOB}, "from of a response is to of its request"),
        ({"to": BOB}, "to of a response is from of its request"),
        (
            {"command": DeleteConference(conference_keys=ConferenceKeys(conf_entity=FOCUS_URI))},
            "a response has the command of its request",
        ),
    ],
)
def test_a_response_to_something_else_is_found(changed: dict[str, object], clause: str) -> None:
    answer: Response = attrs.evolve(ASKED.respond(Code.SUCCESS), **changed)
    assert clauses(check_exchange(ASKED, [answer])) == [clause]


def test_how_often_a_command_ends_is_judged() -> None:
    pending, done = ASKED.respond(Code.PENDING), ASKED.respond(Code.SUCCESS)
    assert check_exchange(ASKED, [pending, pending, done]) == []
    assert clauses(check_exchange(ASKED, [done, done])) == ["a request has one final response"]
    assert clauses(check_exchange(ASKED, [done, pending])) == ["nothing follows the final response"]


@pytest.mark.parametrize(
    ("versions", "states", "clause"),
    [
        ((1, 1), ("full", "partial"), "the version increases with each notification"),
        ((2, 1), ("full", "partial"), "the version increases with each notification"),
        ((1, 3), ("full", "partial"), "the version of a partial notification is greater by one"),
        ((1, 2), ("partial", "partial"), "the first notification has the whole state"),
        ((1, 2), ("deleted", "partial"), "nothing follows the end of a conference"),
    ],
)
def test_notifications_out_of_order_are_found(versions: tuple[int, int], states: tuple[str, str], clause: str) -> None:
    documents = [
        info(version=version, state=state, users_state=state) for version, state in zip(versions, states, strict=True)
    ]
    assert clause in clauses(check_roster_sequence(documents))


def test_a_whole_state_may_come_again_and_a_later_start_lacks_it() -> None:
    assert check_roster_sequence([info(user()), info(user())]) == []
    partial = info(user(), state="partial", users_state="partial")
    assert check_roster_sequence([partial], from_the_start=False) == []


def test_who_is_deleted_has_been_there() -> None:
    gone = User(entity=BOB, state="deleted")
    change = info(gone, state="partial", users_state="partial", version=2)
    assert clauses(check_roster_sequence([info(user()), change])) == ["who is deleted has been there"]
    assert check_roster_sequence([info(user(), user(BOB)), change]) == []


@given(mutated_documents())
def test_whatever_is_written_is_judged(data: bytes) -> None:
    check_document(data)


@given(st.lists(conference_infos(), max_size=4))
def test_whatever_is_notified_is_judged(documents: list[ConferenceInfo]) -> None:
    check_roster_sequence(documents)
