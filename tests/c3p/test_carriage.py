"""How C3P goes over HTTP: the functions by themselves, and over a stack that this project does not use."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import c3p
from c3p import (
    Code,
    ConferenceInfo,
    ConferenceKeys,
    DeleteConference,
    Exchange,
    ExchangeFailure,
    HttpAnswer,
    HttpHead,
    Lanes,
    Notify,
    Reply,
    Request,
    Response,
    ServerSettings,
    bearer_principal,
    certificate_principal,
    pair_secret,
    principal_of_worker,
    proven_principal,
)
from c3p.testing import FOCUS_URI, MCU_URI

PATH = "/LiveServer/audio-video"
SECRET = pair_secret("a root that is long enough", "focus", "mcu-1")
TYPE = ("Content-Type", "application/cccp+xml")
LENGTH_OF_A_MILLION = ("Content-Length", "99999999")
Posted = Request | Response | Notify


def request(request_id: str = "1", to: str = MCU_URI) -> Request:
    keys = ConferenceKeys(conf_entity=FOCUS_URI)
    return Request(request_id=request_id, from_=FOCUS_URI, to=to, command=DeleteConference(conference_keys=keys))


def head(*fields: tuple[str, str], method: str = "POST", path: str = PATH) -> HttpHead:
    return HttpHead(method=method, path=path, fields=fields)


# Another stack -------------------------------------------------------------------------------------------------------


class Served:
    """A server of the standard library, threads and all, that carries C3P by the functions alone."""

    def __init__(self, handler: Callable[[Posted, str], Reply]) -> None:
        settings = ServerSettings(body_timeout=2.0)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = settings.body_timeout

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

            def do_POST(self) -> None:
                answer = self._carry()
                self.send_response(answer.status)
                for name, value in answer.fields:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def _carry(self) -> HttpAnswer:
                fields = tuple(self.headers.items())
                peer = proven_principal(fields, {SECRET: "focus"}, None)
                asked = HttpHead(method="POST", path=urlsplit(self.path).path, fields=fields)
                refusal = c3p.admit(asked, peer=peer, paths={PATH}, settings=settings)
                if refusal is not None:
                    self.close_connection = True  # its body was not read
                    return refusal
                document = c3p.posted(self.rfile.read(int(self.headers["Content-Length"])), settings=settings)
                return document if isinstance(document, HttpAnswer) else c3p.answer_with(handler(document, peer or ""))

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}{PATH}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def serving(handler: Callable[[Posted, str], Reply]) -> Iterator[str]:
    served = Served(handler)
    served.start()
    try:
        yield served.url
    finally:
        served.stop()


class Poster:
    """A client of the standard library, with lanes between threads."""

    def __init__(self, secret: str | None = SECRET) -> None:
        self._secret = secret
        self._lanes: Lanes[threading.Event] = Lanes(most_waiting=64)
        self._lock = threading.Lock()

    def enter(self, exchange: Exchange) -> threading.Event:
        """Take one's place in the lane: in the order of the calls."""
        turn = threading.Event()
        with self._lock:
            if self._lanes.enter(c3p.lane_of(exchange), turn):
                turn.set()
        return turn

    def carry(self, exchange: Exchange, turn: threading.Event) -> Reply | ExchangeFailure:
        turn.wait(10)
        try:
            outcome = self._attempt(exchange)
            return self._attempt(exchange) if c3p.may_repeat(exchange, outcome) else outcome
        finally:
            with self._lock:
                following = self._lanes.leave(c3p.lane_of(exchange), turn)
            if following is not None:
                following.set()

    def post(self, exchange: Exchange) -> Reply | ExchangeFailure:
        return self.carry(exchange, self.enter(exchange))

    def _attempt(self, exchange: Exchange) -> Reply | ExchangeFailure:
        post = c3p.post_of(exchange, secret=self._secret)
        where = urlsplit(post.url)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=exchange.timeout)
        try:
            connection.connect()
        except OSError:
            return c3p.failure_of(connected=False)
        try:
            connection.request("POST", where.path, body=post.body, headers=dict(post.fields))
            answer = connection.getresponse()
            given = HttpAnswer(status=answer.status, fields=tuple(answer.getheaders()), body=answer.read())
        except (OSError, http.client.HTTPException):
            return c3p.failure_of(connected=True)
        finally:
            connection.close()
        return c3p.outcome_of(exchange, given)


def succeed(document: Posted, peer: str) -> Reply:
    assert isinstance(document, Request)
    return Reply(200, document.respond(Code.SUCCESS))


def test_another_http_stack_carries_documents_both_ways() -> None:
    peers: list[str] = []

    def handler(document: Posted, peer: str) -> Reply:
        peers.append(peer)
        return succeed(document, peer)

    with serving(handler) as url:
        assert Poster().post(Exchange(1, url, request())) == Reply(200, request().respond(Code.SUCCESS))
    assert peers == ["focus"]


def test_another_http_stack_refuses_strangers_and_says_when_it_is_busy() -> None:
    with serving(lambda document, peer: Reply(503, retry_after=30)) as url:
        assert Poster(secret=None).post(Exchange(1, url, request())) == Reply(401)
        assert Poster(secret="another").post(Exchange(2, url, request())) == Reply(401)
        assert Poster().post(Exchange(3, url + "/elsewhere", request())) == Reply(404)
        assert Poster().post(Exchange(4, url, request())) == Reply(503, None, 30)


def test_another_http_stack_keeps_the_order_of_a_conference() -> None:
    order: list[str] = []
    inside: Counter[str] = Counter()

    def handler(document: Posted, peer: str) -> Reply:
        assert isinstance(document, Request)
        inside["now"] += 1
        inside["most"] = max(inside["most"], inside["now"])
        order.append(document.request_id)
        inside["now"] -= 1
        return succeed(document, peer)

    poster = Poster()
    with serving(handler) as url, ThreadPoolExecutor(8) as threads:
        exchanges = [Exchange(number, url, request(str(number))) for number in range(8)]
        turns = [poster.enter(exchange) for exchange in exchanges]
        # The last are started first: it is the lane that keeps the order.
        pairs = list(zip(exchanges, turns, strict=True))
        outcomes = [threads.submit(poster.carry, exchange, turn) for exchange, turn in reversed(pairs)]
        assert all(isinstance(outcome.result(10), Reply) for outcome in outcomes)
    assert order == [str(number) for number in range(8)]
    assert inside["most"] == 1


def test_nobody_there_is_a_connect_failure_over_another_stack_too() -> None:
    with serving(succeed) as url:
        pass
    assert Poster().post(Exchange(1, url, request(), idempotent=True)) is ExchangeFailure.CONNECT


# What is let in ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "peer", "status"),
    [
        (head(TYPE), None, 401),
        (head(TYPE), "", 401),
        (head(TYPE, path="/"), "focus", 404),
        (head(TYPE, method="GET"), "focus", 405),
        (head(), "focus", 415),
        (head(TYPE, TYPE), "focus", 415),
        (head(("Content-Type", "text/xml")), "focus", 415),
        (head(TYPE, ("Content-Encoding", "gzip")), "focus", 415),
        (head(TYPE, LENGTH_OF_A_MILLION), "focus", 413),
        (head(TYPE, ("Content-Length", "-1")), "focus", 400),
        (head(TYPE, ("Content-Length", "1"), ("Content-Length", "2")), "focus", 400),
        (head(TYPE, ("Content-Length", "\u0663")), "focus", 400),
    ],
)
def test_a_request_that_is_not_let_in_has_its_status(asked: HttpHead, peer: str | None, status: int) -> None:
    refusal = c3p.admit(asked, peer=peer, paths={PATH})
    assert refusal is not None
    assert refusal.status == status


def test_names_of_fields_and_of_the_type_are_read_in_any_case() -> None:
    asked = head(("content-TYPE", "Application/CCCP+xml; charset=utf-8"), ("CONTENT-encoding", "Identity"))
    assert c3p.admit(asked, peer="focus", paths={PATH}) is None


def test_one_request_too_many_is_told_when_to_come_again() -> None:
    settings = ServerSettings(most_requests=2, busy_retry_after=7)
    assert c3p.admit(head(TYPE), peer="focus", paths={PATH}, in_progress=1, settings=settings) is None
    assert c3p.admit(head(TYPE), peer="focus", paths={PATH}, in_progress=2, settings=settings) == HttpAnswer(
        status=503, fields=(("Retry-After", "7"),)
    )


@given(st.binary(max_size=200))
def test_any_body_is_a_document_or_has_an_answer(body: bytes) -> None:
    given_ = c3p.posted(body)
    assert not isinstance(given_, HttpAnswer) or given_.status in (400, 413)


@given(
    st.integers(100, 599),
    st.binary(max_size=60) | st.just(bytes(request().respond(Code.SUCCESS))) | st.just(bytes(request())),
    st.lists(st.tuples(st.sampled_from(("Retry-After", "Content-Type")), st.text(max_size=8)), max_size=3),
)
def test_any_answer_is_a_reply_or_a_failure(status: int, body: bytes, fields: list[tuple[str, str]]) -> None:
    outcome = c3p.outcome_of(
        Exchange(1, "http://mcu", request()), HttpAnswer(status=status, fields=tuple(fields), body=body)
    )
    if isinstance(outcome, Reply):
        assert outcome.status == status
        assert status in (200, 202) or status >= 400
        assert outcome.document is None or outcome.document.request_id == "1"


@given(st.sampled_from((200, 202, 401, 403, 404, 503)), st.none() | st.integers(0, 999), st.booleans())
def test_a_reply_survives_the_way_to_the_other_side(status: int, retry_after: int | None, documented: bool) -> None:
    document = request().respond(Code.FAILURE) if documented or status == 200 else None
    reply = Reply(status, document, retry_after)
    arrived = c3p.outcome_of(Exchange(1, "http://mcu", request()), c3p.answer_with(reply))
    expected = reply
    if status in (200, 202):
        expected = Reply(status, document if status == 200 else None)
    assert arrived == expected


# Who is who ----------------------------------------------------------------------------------------------------------

names = st.text(st.characters(codec="ascii", exclude_characters="\0"), min_size=1, max_size=12)


@given(names, names, names)
def test_no_pair_has_the_secret_of_another(one: str, other: str, third: str) -> None:
    if len({one, other, third}) == 3:
        pairs = {pair_secret("root", *pair) for pair in ((one, other), (one, third), (other, third))}
        assert len(pairs) == 3
        assert pair_secret("root", one, other) == pair_secret("root", other, one)


@pytest.mark.parametrize(("one", "other"), [("a", "a"), ("", "a"), ("a", ""), ("a\0b", "c")])
def test_names_that_are_no_pair_have_no_secret(one: str, other: str) -> None:
    with pytest.raises(ValueError, match="pair"):
        pair_secret("root", one, other)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Basic {SECRET}",
        f"Bearer {SECRET}x",
        f"Bearer {SECRET} x",
        f"Bearer x {SECRET}",
        SECRET,
    ],
)
def test_what_is_not_the_secret_is_nobody(value: str) -> None:
    assert bearer_principal((("Authorization", value),), {SECRET: "focus"}) is None


def test_two_authorizations_are_none() -> None:
    shown = ("Authorization", f"Bearer {SECRET}")
    assert bearer_principal((shown,), {SECRET: "focus"}) == "focus"
    assert bearer_principal((shown, shown), {SECRET: "focus"}) is None


def test_an_empty_secret_lets_nobody_in() -> None:
    assert bearer_principal((), {"": "focus"}) is None
    assert bearer_principal((("Authorization", "Bearer "),), {"": "focus"}) is None


@pytest.mark.parametrize(
    ("shown", "certified", "principal"),
    [
        (None, "mcu-1", "mcu-1"),
        (None, None, None),
        (SECRET, None, "focus"),
        (SECRET, "focus", "focus"),
        (SECRET, "mcu-1", None),
        ("wrong", "mcu-1", None),
    ],
)
def test_a_secret_and_a_certificate_must_not_disagree(
    shown: str | None, certified: str | None, principal: str | None
) -> None:
    fields = (("authorization", f"bearer {shown}"),) if shown is not None else ()
    assert proven_principal(fields, {SECRET: "focus"}, certified) == principal


def test_a_certificate_names_exactly_one_principal_or_nobody() -> None:
    known = {"mcu1.example.com": "mcu-1", "focus.example.com": "focus"}
    assert certificate_principal(["other.example.com", "MCU1.example.com"], known) == "mcu-1"
    assert certificate_principal(["mcu1.example.com", "focus.example.com"], known) is None
    assert certificate_principal(["mcu1.example.com.evil.example"], known) is None
    assert certificate_principal([], known) is None
    assert certificate_principal(["first.example.com", "second.example.com"]) == "first.example.com"


@pytest.mark.parametrize(
    ("mcu_id", "principal"),
    [
        ("mcu-1.2", "mcu-1"),
        ("mcu.example.com.12", "mcu.example.com"),
        ("mcu-1.chat", "mcu-1"),
        ("mcu-1", None),
        ("mcu-1.", None),
        (".1", None),
    ],
)
def test_a_worker_is_named_after_its_principal(mcu_id: str, principal: str | None) -> None:
    assert principal_of_worker(mcu_id) == principal


def test_a_secret_is_in_no_repr() -> None:
    assert SECRET not in repr(c3p.post_of(Exchange(1, "http://mcu", request()), secret=SECRET))


def test_only_what_was_never_sent_and_may_come_twice_is_sent_again() -> None:
    once, again = Exchange(1, "http://mcu", request()), Exchange(1, "http://mcu", request(), idempotent=True)
    assert c3p.may_repeat(again, ExchangeFailure.CONNECT)
    assert not c3p.may_repeat(once, ExchangeFailure.CONNECT)
    assert not c3p.may_repeat(again, ExchangeFailure.TIMEOUT)
    assert not c3p.may_repeat(again, Reply(503))


def test_notifications_cross_requests_and_conferences_do_not_wait_for_each_other() -> None:
    one = Exchange(1, "http://mcu", request())
    elsewhere = attrs.evolve(one, url="http://other")
    late = attrs.evolve(one, document=request().respond(Code.SUCCESS))
    info = ConferenceInfo(entity=FOCUS_URI)
    notify = attrs.evolve(one, document=Notify(notification_id=1, from_=MCU_URI, to=FOCUS_URI, conference_info=info))
    assert c3p.lane_of(one) == c3p.lane_of(late)
    assert len({c3p.lane_of(each) for each in (one, elsewhere, notify)}) == 3
