"""Focus and MCU inside Twisted: examples/twisted_server.py 127.0.0.1 5060 8444"""

# mypy: disallow-untyped-calls=False

import io
import secrets
import sys
from functools import partial
from time import monotonic, time
from typing import Any

from twisted.internet import reactor
from twisted.internet.protocol import DatagramProtocol
from twisted.web.client import Agent, FileBodyProducer, readBody
from twisted.web.http_headers import Headers
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

import c3p
import mcu
import pyc3p
import sip

SECRETS = {name: secrets.token_hex(16) for name in ("focus", "mcu", "mcu-factory")}
OWNERS = {secret: name for name, secret in SECRETS.items()}


class Server(Resource):
    isLeaf = True

    def __init__(self, reactor: Any, address: str, sip_port: int, url: str) -> None:
        super().__init__()
        self.reactor, self.address, self.agent = reactor, address, Agent(reactor)
        self.ports: dict[tuple[mcu.LegId, str], Any] = {}
        chance = sip.SeededEntropy(secrets.token_bytes(32))
        listen = sip.Listen("UDP", address, sip_port)
        config = sip.EndpointConfig(listen=[listen], udp_max_request=60_000)
        endpoint = sip.Endpoint(config, entropy=chance, wall_clock=time() - monotonic())
        self.host = pyc3p.server_host(endpoint, domain=address, url=url, entropy=chance)
        self.sip = self.bind(sip_port, self.host.receive_datagram)
        self.timer = reactor.callLater(0, self.work)

    def work(self) -> None:
        self.host.handle_timeout(now=monotonic())
        while outputs := self.host.outputs(now=monotonic()):
            for output in outputs:
                self.carry_out(output, monotonic())
        if self.timer.active():
            self.timer.cancel()
        due = self.host.next_timeout() or monotonic() + 60
        self.timer = self.reactor.callLater(max(0, due - monotonic()), self.work)

    def carry_out(self, output: pyc3p.HostOutput, now: float) -> None:
        match output:
            case sip.Transmit(flow=flow, data=data):
                self.sip.write(data, (flow.remote.host, flow.remote.port))
            case sip.ConnectWanted() | sip.ResolveWanted():
                self.host.flow_failed(output.id, "no TCP and no DNS here", now=now)
            case pyc3p.PostDocument():
                self.post(output.id, output.request(SECRETS[output.owner]))
            case pyc3p.AnswerDocument() | pyc3p.RefuseHttp():
                self.answer(output.asker, output.http)
            case pyc3p.SendPacket(leg=leg, kind=kind, data=data, destination=there):
                self.ports[leg, kind].write(data, there)
            case mcu.MediaPortWanted(leg=leg):
                opened = {kind: self.open(leg, kind) for kind in ("rtp", "rtcp")}
                self.host.media_opened(leg, **opened, advertised=self.address, now=now)
            case mcu.MediaPortReleased(leg=leg):
                for kind in ("rtp", "rtcp"):
                    self.ports.pop((leg, kind)).stopListening()
            case _:
                print(output, flush=True)

    def tell(self, receive: Any, *given: Any, **more: Any) -> None:
        receive(*given, **more, now=monotonic())
        self.work()

    def bind(self, port: int, receive: Any, *first: Any) -> Any:
        protocol: Any = DatagramProtocol()
        protocol.datagramReceived = partial(self.tell, receive, *first)
        return self.reactor.listenUDP(port, protocol, self.address, 65_535)

    def open(self, leg: mcu.LegId, kind: str) -> tuple[str, int]:
        at = 40_000 + 2 * leg + (kind == "rtcp")
        self.ports[leg, kind] = self.bind(at, self.host.receive_media, leg, kind)
        return (self.address, at)

    def render(self, request: Any) -> int:
        given = request.requestHeaders.getAllRawHeaders()
        lines = tuple((k.decode(), v.decode()) for k, vs in given for v in vs)
        method, path = request.method.decode(), request.path.decode()
        head = c3p.HttpHead(method=method, path=path, fields=lines)
        body, peer = request.content.read(), c3p.bearer_principal(lines, OWNERS)
        self.tell(self.host.receive_http, head, body, peer=peer, asker=request)
        return NOT_DONE_YET

    def answer(self, request: Any, answer: c3p.HttpAnswer) -> None:
        request.setResponseCode(answer.status)
        for name, value in answer.fields:
            request.setHeader(name, value)
        request.write(answer.body)
        request.finish()

    def post(self, number: int, made: c3p.HttpPost) -> None:
        headers = Headers({name: [value] for name, value in made.fields})
        body: Any = FileBodyProducer(io.BytesIO(made.body))
        asked = self.agent.request(b"POST", made.url.encode(), headers, body)
        asked.addCallback(lambda got: readBody(got).addCallback(partial(answered, got)))
        asked.addErrback(lambda failure: None)
        asked.addCallback(partial(self.tell, self.host.posted_http, number))


def answered(response: Any, body: bytes) -> c3p.HttpAnswer:
    return c3p.HttpAnswer(status=response.code, body=body)


address, sip_port, http_port = sys.argv[1:]
server = Server(reactor, address, int(sip_port), f"http://{address}:{http_port}")
server.reactor.listenTCP(int(http_port), Site(server), interface=address)
print("serving", flush=True)
server.reactor.run()
