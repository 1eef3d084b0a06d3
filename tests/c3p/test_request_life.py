"""Life of a request on both sides (MS-CONFBAS)."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c3p import (
    REQUEST_LIFE,
    AddUser,
    AnswerBook,
    Code,
    Command,
    ConferenceKeys,
    DeleteConference,
    DeleteUser,
    GetConference,
    LocalProtocolError,
    ModifyConferenceLock,
    ModifyUserRoles,
    OpenRequests,
    Outcome,
    Request,
    RequestEnded,
    RequestEvent,
    RequestInput,
    RequestLife,
    RequestPended,
    RequestState,
    Response,
    User,
    UserKeys,
)
from c3p.request_life import LONGEST_WAIT


def request(request_id: str = "1") -> Request:
    return Request(request_id=request_id, from_="sip:a", to="sip:b", command=GetConference())


def answer(code: Code, request_id: str = "1", time_out: int | None = None) -> Response:
    return request(request_id).respond(code, time_out=time_out)


def sent(at: float = 0.0) -> RequestLife:
    life = RequestLife(request())
    life.send(now=at)
    return life


def outcome(events: list[RequestEvent]) -> Outcome:
    (event,) = events
    assert isinstance(event, RequestEnded)
    return event.outcome


def test_final_response_in_the_answer_ends_it() -> None:
    life = sent()
    assert life.receive_response(answer(Code.SUCCESS), now=1) == [
        RequestEnded(request=request(), outcome=Outcome.SUCCEEDED, response=answer(Code.SUCCESS))
    ]
    assert (life.ended, life.next_timeout()) == (True, None)


def test_failure_is_an_end_too() -> None:
    assert outcome(sent().receive_response(answer(Code.FAILURE), now=1)) is Outcome.FAILED


def test_accepted_then_success_much_later() -> None:
    life = sent()
    assert life.receive_accepted(now=100) == [RequestPended(request=request(), response=None)]
    assert life.handle_timeout(now=279) == []
    assert outcome(life.receive_response(answer(Code.SUCCESS), now=279)) is Outcome.SUCCEEDED


def test_every_pending_restarts_the_timer() -> None:
    life = sent()
    assert life.next_timeout() == 180
    life.receive_response(answer(Code.PENDING), now=100)
    assert life.next_timeout() == 280
    life.receive_response(answer(Code.PENDING, time_out=30), now=200)
    assert life.next_timeout() == 230
    life.receive_response(answer(Code.PENDING, time_out=100_000), now=200)
    assert life.next_timeout() == 200 + LONGEST_WAIT


def test_time_out_comes_once_and_late_answers_are_dropped() -> None:
    life = sent(at=5)
    assert life.handle_timeout(now=184.9) == []
    assert outcome(life.handle_timeout(now=185)) is Outcome.TIMED_OUT
    assert life.handle_timeout(now=999) == []
    assert life.receive_response(answer(Code.SUCCESS), now=999) == []


def test_error_status_ends_it_with_its_diagnostics() -> None:
    (event,) = sent().receive_error(403, diagnostics='3014;source="example.com"')
    assert isinstance(event, RequestEnded)
    assert (event.outcome, event.status, event.diagnostics) == (Outcome.REFUSED, 403, '3014;source="example.com"')


def test_error_status_after_a_pending_document_changes_nothing() -> None:
    life = sent()
    life.receive_response(answer(Code.PENDING), now=1)
    assert life.receive_error(408) == []
    assert life.state is RequestState.PENDING


def test_end_of_the_dialog_fails_it() -> None:
    assert outcome(sent().dialog_ended()) is Outcome.DIALOG_ENDED


def test_end_of_the_dialog_is_success_for_who_ended_the_conference() -> None:
    command = DeleteConference(conference_keys=ConferenceKeys(conf_entity="sip:b"))
    life = RequestLife(attrs.evolve(request(), command=command))
    life.send(now=0)
    assert outcome(life.dialog_ended()) is Outcome.SUCCEEDED


KEYS = ConferenceKeys(conf_entity="sip:b")
USER = UserKeys(conf_entity="sip:b", user_entity="sip:c")


@pytest.mark.parametrize(
    ("command", "accepted", "expected"),
    [
        (DeleteUser(user_keys=USER), True, Outcome.SUCCEEDED),
        (DeleteUser(user_keys=USER), False, Outcome.DIALOG_ENDED),
        (DeleteUser(user_keys=USER, mcu_uri="sip:m"), True, Outcome.DIALOG_ENDED),
        (ModifyConferenceLock(conference_keys=KEYS, locked=True), True, Outcome.SUCCEEDED),
        (ModifyUserRoles(user_keys=USER, roles=("attendee",)), True, Outcome.SUCCEEDED),
        (AddUser(conference_keys=KEYS, user=User(entity="sip:c")), True, Outcome.DIALOG_ENDED),
    ],
)
def test_end_of_the_dialog_is_success_for_what_the_focus_did_when_it_accepted_it(
    command: Command, accepted: bool, expected: Outcome
) -> None:
    life = RequestLife(attrs.evolve(request(), command=command))
    life.send(now=0)
    if accepted:
        life.receive_accepted(now=1)
    assert outcome(life.dialog_ended()) is expected


@pytest.mark.parametrize(("shown", "expected"), [(True, Outcome.SUCCEEDED), (False, Outcome.UNKNOWN)])
@pytest.mark.parametrize("accepted", [True, False])
def test_what_a_request_of_which_the_response_got_lost_came_to_is_known_in_another_way_or_not(
    shown: bool, expected: Outcome, accepted: bool
) -> None:
    life = sent()
    if accepted:
        life.receive_accepted(now=1)
    assert outcome(life.settle(shown=shown)) is expected
    assert life.settle(shown=shown) == []
    assert life.receive_response(answer(Code.SUCCESS), now=2) == []
    assert life.next_timeout() is None


def test_answer_to_another_request_is_dropped() -> None:
    assert sent().receive_response(answer(Code.SUCCESS, "2"), now=1) == []


def test_sending_twice_is_refused() -> None:
    with pytest.raises(LocalProtocolError):
        sent().send(now=1)


@given(st.sampled_from(RequestState), st.sampled_from(RequestInput))
def test_nothing_leaves_a_final_state(state: RequestState, input_: RequestInput) -> None:
    if state in (RequestState.DONE, RequestState.TIMED_OUT, RequestState.FAILED):
        assert (state, input_) not in REQUEST_LIFE


@given(st.lists(st.sampled_from(["accepted", "pending", "success", "failure", "error", "ended", "timer"]), max_size=8))
def test_there_is_at_most_one_terminal_event(happenings: list[str]) -> None:
    life = sent()
    events: list[RequestEvent] = []
    for now, happening in enumerate(happenings):
        events += {
            "accepted": lambda now: life.receive_accepted(now=now),
            "pending": lambda now: life.receive_response(answer(Code.PENDING), now=now),
            "success": lambda now: life.receive_response(answer(Code.SUCCESS), now=now),
            "failure": lambda now: life.receive_response(answer(Code.FAILURE), now=now),
            "error": lambda now: life.receive_error(500),
            "ended": lambda now: life.dialog_ended(),
            "timer": lambda now: life.handle_timeout(now=now + 1000),
        }[happening](now)
    events += life.handle_timeout(now=1e6)
    assert [isinstance(event, RequestEnded) for event in events].count(True) == 1
    assert isinstance(events[-1], RequestEnded)


def test_open_requests_are_found_by_id_in_any_order() -> None:
    requests = OpenRequests()
    for request_id in ("1", "2", "3"):
        requests.send(request(request_id), now=0)
    assert outcome(requests.receive_response(answer(Code.SUCCESS, "2"), now=1)) is Outcome.SUCCEEDED
    assert "2" not in requests
    assert requests.receive_response(answer(Code.SUCCESS, "2"), now=1) == []
    assert isinstance(requests.receive_accepted("1", now=10)[0], RequestPended)
    assert requests.next_timeout() == 180
    assert outcome(requests.handle_timeout(now=180)) is Outcome.TIMED_OUT
    assert (len(requests), requests.next_timeout()) == (1, 190)
    assert outcome(requests.dialog_ended()) is Outcome.DIALOG_ENDED
    assert (len(requests), requests.next_timeout()) == (0, None)


def test_errors_and_acceptances_of_unknown_requests_are_dropped() -> None:
    requests = OpenRequests()
    assert requests.receive_error("9", 500) == []
    assert requests.receive_accepted("9", now=0) == []
    requests.send(request(), now=0)
    assert outcome(requests.receive_error("1", 500)) is Outcome.REFUSED
    assert len(requests) == 0


def test_open_requests_are_bounded_and_ids_are_unique() -> None:
    requests = OpenRequests(limit=1)
    requests.send(request(), now=0)
    for other in (request(), request("2")):
        with pytest.raises(LocalProtocolError):
            requests.send(other, now=0)
    assert len(requests) == 1


def test_repeated_request_gets_the_stored_answer() -> None:
    book = AnswerBook()
    assert book.admit("0")
    assert not book.admit("0")
    assert book.answer("0") is None
    book.store(answer(Code.PENDING, "0"))
    assert book.answer("0") == answer(Code.PENDING, "0")
    book.store(answer(Code.SUCCESS, "0"))
    book.store(answer(Code.PENDING, "0"))
    assert book.answer("0") == answer(Code.SUCCESS, "0")


def test_answer_book_forgets_the_oldest() -> None:
    book = AnswerBook(limit=2)
    for request_id in ("1", "2", "3"):
        assert book.admit(request_id)
    assert len(book) == 2
    assert book.admit("1")
