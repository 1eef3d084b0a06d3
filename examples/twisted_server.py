"""Focus and MCU inside Twisted: .venv/bin/python examples/twisted_server.py 127.0.0.1 5060 8444"""

# mypy: disallow-untyped-calls=False

import io
import secrets
import sys
import time
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import DatagramProtocol
from twisted.internet.task import react
from twisted.web.client import Agent, FileBodyProducer, readBody
from twisted.web.http_headers import Headers
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

import c3p
import mcu
import pyc3p
import sip

SECRETS = {name: secrets.token_hex(16) for name in ("focus", "mcu", "mcu-factory")}


class Server(Resource):
    isLeaf = True

    def __init__(self, reactor: Any, address: str, sip_port: int, http_port: int) -> None:
        super().__init__()
        self.reactor, self.address, self.agent = reactor, address, Agent(reactor)
        self.ports: dict[tuple[mcu.LegId, str], Any] = {}
        entropy = sip.SeededEntropy(secrets.token_bytes(32))
        config = sip.EndpointConfig(listen=[sip.Listen("UDP", address, sip_port)], udp_max_request=60_000)
        endpoint = sip.Endpoint(config, entropy=entropy, wall_clock=time.time() - time.monotonic())
        self.host = pyc3p.server_host(endpoint, domain=address, url=f"http://{address}:{http_port}", entropy=entropy)
        self.sip = self.listen(sip_port, self.arrived)
        reactor.listenTCP(http_port, Site(self), interface=address)
        self.timer = reactor.callLater(0, self.work)

    def work(self) -> None:
        self.host.handle_timeout(now=time.monotonic())
        while outputs := self.host.outputs(now=time.monotonic()):
            for output in outputs:
                self.carry_out(output, time.monotonic())
        if self.timer.active():
            self.timer.cancel()
        due = self.host.next_timeout()
        self.timer = self.reactor.callLater(60 if due is None else max(0, due - time.monotonic()), self.work)

    def carry_out(self, output: pyc3p.HostOutput, now: float) -> None:
        match output:
            case sip.Transmit(flow=flow, data=data):
                self.sip.write(data, (flow.remote.host, flow.remote.port))
            case sip.ConnectWanted() | sip.ResolveWanted():
                self.host.flow_failed(output.id, "there is UDP and no DNS here", now=now)
            case pyc3p.PostDocument():
                self.post(output.id, output.request(SECRETS[output.owner]))
            case pyc3p.AnswerDocument(asker=request, http=answer) | pyc3p.RefuseHttp(asker=request, http=answer):
                self.answer(request, answer)
            case pyc3p.SendPacket():
                self.ports[output.leg, output.kind].write(output.data, output.destination)
            case mcu.MediaPortWanted(leg=leg):
                rtp, rtcp = (self.open(leg, "rtp"), self.open(leg, "rtcp"))
                self.host.media_opened(leg, rtp=rtp, rtcp=rtcp, advertised=self.address, now=now)
            case mcu.MediaPortReleased():
                self.ports.pop((output.leg, "rtp")).stopListening()
                self.ports.pop((output.leg, "rtcp")).stopListening()
            case _:
                print(output, flush=True)

    def listen(self, port: int, received: Any) -> Any:
        protocol = DatagramProtocol()
        protocol.datagramReceived = received  # type: ignore[method-assign]
        return self.reactor.listenUDP(port, protocol, interface=self.address, maxPacketSize=65_535)

    def arrived(self, data: bytes, remote: tuple[str, int]) -> None:
        self.host.receive_datagram(data, remote=remote, now=time.monotonic())
        self.work()

    def open(self, leg: mcu.LegId, kind: str) -> tuple[str, int]:
        port = 40_000 + 2 * leg + (kind == "rtcp")
        self.ports[leg, kind] = self.listen(port, lambda data, source: self.heard(leg, kind, data, source))
        return (self.address, port)

    def heard(self, leg: mcu.LegId, kind: str, data: bytes, source: tuple[str, int]) -> None:
        self.host.receive_media(leg, kind, data, source, now=time.monotonic())
        self.work()

    def render(self, request: Any) -> int:
        fields = tuple((k.decode(), v.decode()) for k, vs in request.requestHeaders.getAllRawHeaders() for v in vs)
        head = c3p.HttpHead(method=request.method.decode(), path=request.path.decode(), fields=fields)
        peer = c3p.bearer_principal(fields, {secret: name for name, secret in SECRETS.items()})
        self.host.receive_http(head, request.content.read(), peer=peer, asker=request, now=time.monotonic())
        self.work()
        return NOT_DONE_YET

    def answer(self, request: Any, answer: c3p.HttpAnswer) -> None:
        request.setResponseCode(answer.status)
        request.responseHeaders = Headers({name: [value] for name, value in answer.fields})
        request.write(answer.body)
        request.finish()

    def post(self, number: int, made: c3p.HttpPost) -> None:
        headers, body = Headers({name: [value] for name, value in made.fields}), FileBodyProducer(io.BytesIO(made.body))
        asked = self.agent.request(b"POST", made.url.encode(), headers, body)  # type: ignore[arg-type]
        asked.addCallback(
            lambda got: readBody(got).addCallback(lambda text: c3p.HttpAnswer(status=got.code, body=text))
        )
        asked.addErrback(lambda failure: None)
        asked.addCallback(lambda got: self.host.posted_http(number, got, now=time.monotonic()))
        asked.addCallback(lambda _: self.work())


def main(reactor: Any, address: str, sip_port: str, http_port: str) -> Deferred[None]:
    Server(reactor, address, int(sip_port), int(http_port))
    print("serving", flush=True)
    return Deferred()


react(main, sys.argv[1:])
