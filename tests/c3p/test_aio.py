"""C3P over HTTP on loopback (docs/c3p-over-http.rst)."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import attrs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from c3p import (
    Code,
    ConferenceInfo,
    ConferenceKeys,
    DeleteConference,
    DocumentLimits,
    Exchange,
    ExchangeFailure,
    LaneFull,
    Lanes,
    LocalProtocolError,
    Notify,
    RegisterMcu,
    Reply,
    Request,
    Response,
)
from c3p.aio import C3pClient, C3pServer, ClientSettings, Handler, ServerSettings
from c3p.testing import FOCUS_URI, MCU_URI
from pyc3p.elements import event_loop

PATH = "/LiveServer/audio-video"
SECRET = "correct-horse"
Posted = Request | Response | Notify


class Trace:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.records: list[tuple[str, tuple[str, int], tuple[str, int], bytes]] = []

    def record(
        self,
        *,
        layer: str,
        transport: str,
        source: tuple[str, int],
        destination: tuple[str, int],
        data: bytes,
        at: float,
    ) -> None:
        assert (layer, transport) == ("http", "TCP")
        self.records.append((layer, source, destination, data))


def request(request_id: str = "1", to: str = MCU_URI) -> Request:
    keys = ConferenceKeys(conf_entity=FOCUS_URI)
    return Request(request_id=request_id, from_=FOCUS_URI, to=to, command=DeleteConference(conference_keys=keys))


def succeed(document: Posted, peer: str) -> Reply:
    assert isinstance(document, Request)
    return Reply(200, document.respond(Code.SUCCESS))


def run(test: Callable[[], Awaitable[None]]) -> None:
    """On the loop that the servers run on, where it is installed."""
    event_loop.run(asyncio.wait_for(test(), 20))


@asynccontextmanager
async def serving(
    handler: Handler = succeed, *, trace: Trace | None = None, settings: ServerSettings | None = None
) -> AsyncIterator[str]:
    server = C3pServer("127.0.0.1", 0, {PATH: handler}, {SECRET: "focus"}, trace=trace, settings=settings)
    await server.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        await server.stop()


@asynccontextmanager
async def client(secret: str | None = SECRET, **options: object) -> AsyncIterator[C3pClient]:
    made = C3pClient(secret=secret, **options)  # type: ignore[arg-type]
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def answer_to(
    base: str, *, data: bytes = b"", path: str = PATH, method: str = "POST", **headers: str
) -> tuple[int, dict[str, str]]:
    """Status and headers that the server gives to something that our client would not send."""
    sent = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/cccp+xml"}
    sent.update({name.replace("_", "-"): value for name, value in headers.items()})
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, base + path, data=data, headers=sent) as answer,
    ):
        return answer.status, dict(answer.headers)


@asynccontextmanager
async def raw_server(answer: bytes, *, close: bool = True) -> AsyncIterator[str]:
    """Answers anything with the same bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        if close:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_request_is_answered_and_the_peer_is_known() -> None:
    seen = []

    def handler(document: Posted, peer: str) -> Reply:
        seen.append((document, peer))
        return succeed(document, peer)

    async def test() -> None:
        async with serving(handler) as base, client() as poster:
            reply = await poster.post(Exchange(1, base + PATH, request()))
        assert reply == Reply(200, request().respond(Code.SUCCESS))
        assert seen == [(request(), "focus")]

    run(test)


@pytest.mark.parametrize("given", [Reply(202), Reply(403), Reply(503, None, 7), Reply(404)])
def test_reply_without_document_arrives_as_it_was_given(given: Reply) -> None:
    async def test() -> None:
        async with serving(lambda document, peer: given) as base, client() as poster:
            assert await poster.post(Exchange(1, base + PATH, request())) == given

    run(test)


def test_notification_is_answered_empty() -> None:
    info = ConferenceInfo(entity=FOCUS_URI, state="full", version=1)
    notify = Notify(notification_id=1, from_=MCU_URI, to=FOCUS_URI, conference_info=info)

    async def test() -> None:
        async with serving(lambda document, peer: Reply(200)) as base, client() as poster:
            assert await poster.post(Exchange(1, base + PATH, notify)) == Reply(200)

    run(test)


@pytest.mark.parametrize("secret", [None, "wrong", "correct-horsf", "", "correct-horse-battery"])
def test_nobody_authenticated_is_401(secret: str | None) -> None:
    async def test() -> None:
        async with serving() as base, client(secret) as poster:
            assert await poster.post(Exchange(1, base + PATH, request())) == Reply(401)

    run(test)


@pytest.mark.parametrize(
    ("status", "change"),
    [
        (404, {"path": "/elsewhere"}),
        (405, {"method": "GET"}),
        (415, {"Content_Type": "text/plain"}),
        (415, {"Content_Encoding": "gzip"}),
        (400, {"data": b"<request"}),
        (400, {"data": b"<!DOCTYPE a [<!ENTITY x 'y'>]><request/>"}),
        (400, {"data": bytes(ConferenceInfo(entity=FOCUS_URI))}),
        (413, {"data": b"<a>" * 30 + b"</a>" * 30}),
        (413, {"data": b" " * 2000}),
    ],
)
def test_what_cannot_be_taken_is_refused(status: int, change: dict[str, object]) -> None:
    async def test() -> None:
        limits = DocumentLimits(size=1000, depth=20)
        async with serving(settings=ServerSettings(limits=limits)) as base:
            found, _ = await answer_to(base, **{"data": bytes(request()), **change})  # type: ignore[arg-type]
            assert found == status

    run(test)


def test_body_without_length_is_cut_at_the_limit() -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 100

    async def test() -> None:
        settings = ServerSettings(limits=DocumentLimits(size=1000))
        async with serving(settings=settings) as base, aiohttp.ClientSession() as session:
            headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/cccp+xml"}
            async with session.post(base + PATH, data=endless(), headers=headers) as answer:
                assert answer.status == 413

    run(test)


def test_body_that_does_not_come_is_408() -> None:
    async def test() -> None:
        async with serving(settings=ServerSettings(body_timeout=0.05, stop_timeout=0.1)) as base:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(base.rpartition(":")[2]))
            writer.write(
                f"POST {PATH} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {SECRET}\r\n"
                "Content-Type: application/cccp+xml\r\nContent-Length: 10\r\n\r\n".encode()
            )
            assert b" 408 " in await reader.readline()
            writer.close()

    run(test)


def test_connection_on_which_no_head_comes_is_closed() -> None:
    async def test() -> None:
        settings = ServerSettings(header_timeout=0.2, keep_alive=0.1)
        async with serving(settings=settings) as base:
            port = int(base.rpartition(":")[2])
            silent = await asyncio.open_connection("127.0.0.1", port)
            slow = await asyncio.open_connection("127.0.0.1", port)
            slow[1].write(b"POST / HTTP/1.1\r\nHo")
            again = await asyncio.open_connection("127.0.0.1", port)
            again[1].write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            head = await again[0].readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 401")
            assert b"Server: pyc3p\r\n" in head
            again[1].write(b"POST / HTTP/1.1\r\nHo")
            for reader, writer in (silent, slow, again):
                with suppress(ConnectionError):
                    while await reader.read(1000):
                        pass
                writer.close()

    run(test)


def test_strangers_push_out_strangers_and_nobody_else() -> None:
    async def test() -> None:
        async with (
            serving(settings=ServerSettings(most_strangers=2)) as base,
            client() as ours,
        ):
            exchange = Exchange(id=1, url=base + PATH, document=request(), timeout=5)
            assert isinstance(await ours.post(exchange), Reply)
            port = int(base.rpartition(":")[2])
            strangers = [await asyncio.open_connection("127.0.0.1", port) for _ in range(5)]
            for reader, _ in strangers[:3]:
                with suppress(ConnectionError):
                    assert await reader.read(1) == b""
            assert isinstance(await ours.post(exchange), Reply)
            for _, writer in strangers:
                writer.close()

    run(test)


@pytest.mark.parametrize(
    "rest", [b"Content-Length: 9\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", b"\xff\r\n\r\n"]
)
def test_peer_that_breaks_off_or_breaks_http_is_not_logged(rest: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with serving() as base, client() as poster:
            _, writer = await asyncio.open_connection("127.0.0.1", int(base.rpartition(":")[2]))
            head = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {SECRET}\r\n"
            writer.write(head.encode() + b"Content-Type: application/cccp+xml\r\n" + rest)
            await writer.drain()
            writer.close()
            await writer.wait_closed()
            assert await poster.post(Exchange(1, base + PATH, request())) == Reply(200, request().respond(Code.SUCCESS))

    run(test)
    assert [one for one in caplog.records if one.name.startswith(("c3p", "aiohttp"))] == []


def test_handler_that_raises_is_500_and_the_server_lives_on(caplog: pytest.LogCaptureFixture) -> None:
    def handler(document: Posted, peer: str) -> Reply:
        assert isinstance(document, Request)
        if document.request_id == "1":
            raise RuntimeError("broken")
        return succeed(document, peer)

    async def test() -> None:
        async with serving(handler) as base, client() as poster:
            assert await poster.post(Exchange(1, base + PATH, request("1"))) == Reply(500)
            reply = await poster.post(Exchange(2, base + PATH, request("2")))
            assert isinstance(reply, Reply)
            assert reply.status == 200

    with caplog.at_level(logging.CRITICAL, "c3p.aio"):
        run(test)


def test_reply_that_cannot_be_serialised_is_500() -> None:
    def handler(document: Posted, peer: str) -> Reply:
        assert isinstance(document, Request)
        return Reply(200, attrs.evolve(document.respond(Code.SUCCESS), reason="\x00"))

    async def test() -> None:
        async with serving(handler) as base, client() as poster:
            assert await poster.post(Exchange(1, base + PATH, request())) == Reply(500)

    run(test)


def test_too_many_requests_at_once_are_503() -> None:
    async def test() -> None:
        async with serving(settings=ServerSettings(most_requests=0)) as base, client() as poster:
            assert await poster.post(Exchange(1, base + PATH, request())) == Reply(503, None, 1)

    run(test)


def test_port_in_use_raises_and_leaves_nothing_open() -> None:
    async def test() -> None:
        async with serving() as base:
            port = int(base.rpartition(":")[2])
            second = C3pServer("127.0.0.1", port, {}, {})
            with pytest.raises(OSError, match="in use"):
                await second.start()
            await second.stop()

    run(test)


def test_stopped_server_can_be_started_again() -> None:
    async def test() -> None:
        server = C3pServer("127.0.0.1", 0, {PATH: succeed}, {SECRET: "focus"})
        async with client() as poster:
            for number in range(2):
                await server.start()
                url = f"http://127.0.0.1:{server.port}{PATH}"
                reply = await poster.post(Exchange(number, url, request(), idempotent=True))
                assert isinstance(reply, Reply)
                await server.stop()

    run(test)


def test_nobody_there_is_a_connect_failure() -> None:
    async def test() -> None:
        async with client() as poster:
            url = f"http://127.0.0.1:{free_port()}{PATH}"
            assert await poster.post(Exchange(1, url, request())) is ExchangeFailure.CONNECT
            assert await poster.post(Exchange(1, url, request(), idempotent=True)) is ExchangeFailure.CONNECT
            assert await poster.post(Exchange(1, "not a url", request())) is ExchangeFailure.CONNECT

    run(test)


def test_idempotent_exchange_is_tried_once_more_after_a_connect_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = []

    async def attempt(self: C3pClient, exchange: Exchange, body: bytes) -> Reply | ExchangeFailure:
        attempts.append(exchange.id)
        return ExchangeFailure.CONNECT if len(attempts) == 1 else Reply(202)

    monkeypatch.setattr(C3pClient, "_attempt", attempt)

    async def test() -> None:
        async with client() as poster:
            assert await poster.post(Exchange(1, "http://a", request(), idempotent=True)) == Reply(202)
            attempts.clear()
            assert await poster.post(Exchange(2, "http://a", request())) is ExchangeFailure.CONNECT
            assert attempts == [2]

    run(test)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nnot xml",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + b" " * 2_000_000,
        b"HTTP/1.1 200 OK\r\n\r\n" + bytes(request("99").respond(Code.SUCCESS)),
        b"HTTP/1.1 200 OK\r\n\r\n" + bytes(request()),
    ],
)
def test_answer_that_is_none_is_unusable(answer: bytes) -> None:
    async def test() -> None:
        async with raw_server(answer) as base, client() as poster:
            assert await poster.post(Exchange(1, base + PATH, request())) is ExchangeFailure.UNUSABLE

    run(test)


def test_retry_after_that_is_no_number_is_left_out() -> None:
    async def test() -> None:
        answer = b"HTTP/1.1 503 Busy\r\nRetry-After: tomorrow\r\nContent-Length: 0\r\n\r\n"
        async with raw_server(answer) as base, client() as poster:
            assert await poster.post(Exchange(1, base + PATH, request())) == Reply(503)

    run(test)


@pytest.mark.parametrize(("answer", "close"), [(b"", False), (b"", True), (b"garbage\r\n\r\n", True)])
def test_peer_that_takes_the_request_and_gives_no_answer_is_a_timeout(answer: bytes, close: bool) -> None:
    async def test() -> None:
        async with raw_server(answer, close=close) as base, client() as poster:
            exchange = Exchange(1, base + PATH, request(), timeout=0.2)
            assert await poster.post(exchange) is ExchangeFailure.TIMEOUT

    run(test)


def test_requests_for_one_conference_go_one_after_the_other_in_order() -> None:
    order: list[str] = []

    def handler(document: Posted, peer: str) -> Reply:
        order.append(document.request_id if isinstance(document, Request) else "notify")
        return Reply(202)

    async def test() -> None:
        async with serving(handler) as base, client() as poster:
            exchanges = [Exchange(number, base + PATH, request(str(number))) for number in range(8)]
            await asyncio.gather(*(poster.post(exchange) for exchange in exchanges))
        assert order == [str(number) for number in range(8)]

    run(test)


def test_exchange_that_is_about_no_conference_is_carried_too() -> None:
    announce = Request(request_id="1", from_="sip:mcu.example.com", to="", command=RegisterMcu(mcu_id="mcu-1"))

    async def test() -> None:
        async with serving(lambda document, peer: Reply(202)) as base, client() as poster:
            exchange = Exchange(1, base + PATH, attrs.evolve(announce, to="sip:factory.example.com"))
            assert await poster.post(exchange) == Reply(202)

    run(test)


def test_client_that_was_never_used_stops() -> None:
    async def test() -> None:
        await C3pClient().stop()

    run(test)


def test_stopping_ends_what_is_in_flight_and_what_waits() -> None:
    async def test() -> None:
        async with raw_server(b"", close=False) as base, client() as poster:
            posts = [asyncio.create_task(poster.post(Exchange(n, base + PATH, request()))) for n in range(3)]
            await asyncio.sleep(0.05)
            await poster.stop()
            assert all(isinstance(outcome, ExchangeFailure) for outcome in await asyncio.gather(*posts))
            assert await poster.post(Exchange(9, base + PATH, request())) is ExchangeFailure.CONNECT

    run(test)


def test_document_that_cannot_be_serialised_is_refused_before_anything_is_sent() -> None:
    async def test() -> None:
        async with client() as poster:
            with pytest.raises(LocalProtocolError):
                await poster.post(Exchange(1, "http://127.0.0.1:1/", request("\x00")))

    run(test)


def certified(name: str) -> tuple[bytes, bytes]:
    """A self-signed certificate for a name and 127.0.0.1, and its key, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM), private


def context(kind: int, own: tuple[bytes, bytes], trusted: bytes, folder: Path) -> ssl.SSLContext:
    file = folder / f"{kind}.pem"
    file.write_bytes(b"".join(own))
    made = ssl.SSLContext(kind)
    made.load_cert_chain(file)
    made.load_verify_locations(cadata=trusted.decode())
    made.verify_mode = ssl.CERT_REQUIRED
    return made


def test_certificate_of_the_peer_is_its_identity(tmp_path: Path) -> None:
    focus, mcu = certified("focus.example.com"), certified("mcu.example.com")
    peers = []

    def handler(document: Posted, peer: str) -> Reply:
        peers.append(peer)
        return succeed(document, peer)

    async def test() -> None:
        server = C3pServer(
            "127.0.0.1",
            0,
            {PATH: handler},
            {},
            ssl_context=context(ssl.PROTOCOL_TLS_SERVER, mcu, focus[0], tmp_path),
        )
        await server.start()
        ours = context(ssl.PROTOCOL_TLS_CLIENT, focus, mcu[0], tmp_path)
        async with client(None, ssl_context=ours) as poster:
            reply = await poster.post(Exchange(1, f"https://127.0.0.1:{server.port}{PATH}", request()))
            assert reply == Reply(200, request().respond(Code.SUCCESS))
            wrong = await poster.post(Exchange(2, f"http://127.0.0.1:{server.port}{PATH}", request()))
            assert isinstance(wrong, ExchangeFailure)
        await server.stop()

    run(test)
    assert peers == ["focus.example.com"]


def test_lanes_take_turns_and_are_bounded() -> None:
    lanes: Lanes[str] = Lanes(most_waiting=2)
    assert [lanes.enter("a", "a1"), lanes.enter("a", "a2"), lanes.enter("b", "b1"), lanes.enter("a", "a3")] == [
        True,
        False,
        True,
        False,
    ]
    with pytest.raises(LaneFull):
        lanes.enter("a", "a4")
    assert lanes.leave("a", "a2") is None  # gave up while it waited: nobody else's turn
    assert lanes.leave("a", "a1") == "a3"
    assert lanes.leave("a", "a3") is None
    with pytest.raises(LocalProtocolError):
        lanes.leave("a", "a3")
    assert lanes.leave("b", "b1") is None
    assert len(lanes) == 0


def test_full_lane_fails_as_if_nobody_was_there() -> None:
    async def test() -> None:
        settings = ClientSettings(most_waiting=0)
        async with raw_server(b"", close=False) as base, client(settings=settings) as poster:
            exchange = Exchange(1, base + PATH, request(), timeout=0.1)
            results = await asyncio.gather(poster.post(exchange), poster.post(exchange))
        assert results == [ExchangeFailure.TIMEOUT, ExchangeFailure.CONNECT]

    run(test)


def test_both_ends_trace_the_same_exchange_without_the_secret() -> None:
    near, far = Trace(), Trace()

    async def test() -> None:
        async with serving(trace=far) as base, client(trace=near) as poster:
            await poster.post(Exchange(1, base + PATH, request()))

    run(test)
    assert [(one[1], one[2]) for one in near.records] == [(one[1], one[2]) for one in far.records]
    for records in (near.records, far.records):
        sent, received = (data for *_, data in records)
        assert sent.startswith(f"POST {PATH} HTTP/1.1\r\n".encode())
        assert sent.endswith(bytes(request()))
        assert b"\r\nAuthorization: Bearer " + b"A" * len(SECRET) + b"\r\n" in sent
        assert SECRET.encode() not in sent
        assert received.startswith(b"HTTP/1.1 200 OK\r\n")
        assert received.endswith(bytes(request().respond(Code.SUCCESS)))
        assert f"Content-Length: {len(bytes(request().respond(Code.SUCCESS)))}".encode() in received


def test_refused_request_is_traced_too() -> None:
    trace = Trace()

    async def test() -> None:
        async with serving(trace=trace) as base, client("wrong") as poster:
            await poster.post(Exchange(1, base + PATH, request()))

    run(test)
    assert [data.split(b"\r\n")[0] for *_, data in trace.records] == [
        f"POST {PATH} HTTP/1.1".encode(),
        b"HTTP/1.1 401 Unauthorized",
    ]


def test_empty_request_is_traced_once() -> None:
    trace = Trace()

    async def test() -> None:
        async with serving(trace=trace) as base:
            assert (await answer_to(base))[0] == 400

    run(test)
    assert len(trace.records) == 2


def test_connection_is_kept_for_the_next_exchange() -> None:
    trace = Trace()

    async def test() -> None:
        async with serving(trace=trace) as base, client() as poster:
            for number in range(3):
                await poster.post(Exchange(number, base + PATH, request()))

    run(test)
    assert len({source for _, source, _, data in trace.records if data.startswith(b"POST")}) == 1
