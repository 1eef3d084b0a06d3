"""One driver for every kind of machine: what arrives, what is to be done, one time."""

from __future__ import annotations

import pytest

import c3p
import mcu
import pyc3p
import rtp
import sip
from sip.testing import raw_request

NETWORK = "192.0.2.1"
URL = "http://192.0.2.1:8444"


def server() -> pyc3p.Host:
    listen = (sip.Listen("UDP", NETWORK, 5060),)
    endpoint = sip.Endpoint(sip.EndpointConfig(listen=listen), entropy=sip.SeededEntropy(b"host"))
    policy = mcu.DialOutRules(domains=None)
    return pyc3p.server_host(
        endpoint, domain="example.com", url=URL, entropy=sip.SeededEntropy(b"cores"), dial_out_policy=policy
    )


def head(path: str) -> c3p.HttpHead:
    return c3p.HttpHead(method="POST", path=path, fields=(("Content-Type", "application/cccp+xml"),))


class Driver:
    """Does what the host says: documents come back to it, packets and datagrams are kept."""

    def __init__(self) -> None:
        self.host = server()
        self.now = 0.0
        self.sent: list[sip.Transmit] = []
        self.packets: list[pyc3p.SendPacket] = []
        self.events: list[sip.Event] = []
        self.answers: dict[object, c3p.HttpAnswer] = {}
        self.posts = 0

    def work(self) -> None:
        while outputs := self.host.outputs(now=self.now):
            for output in outputs:
                self.carry_out(output)

    def carry_out(self, output: pyc3p.HostOutput) -> None:
        match output:
            case sip.Transmit():
                self.sent.append(output)
            case pyc3p.PostDocument():
                made = output.request("secret")
                path, self.posts = made.url.removeprefix(URL), self.posts + 1
                self.host.receive_http(head(path), made.body, peer=output.owner, asker=output.id, now=self.now)
            case pyc3p.AnswerDocument(asker=asker, http=http) | pyc3p.RefuseHttp(asker=asker, http=http):
                self.answers[asker] = http
                if isinstance(asker, int):
                    self.host.posted_http(asker, http, now=self.now)
            case pyc3p.SendPacket():
                self.packets.append(output)
            case mcu.MediaPortWanted(leg=leg):
                ports = (NETWORK, 4000), (NETWORK, 4001)
                self.host.media_opened(leg, rtp=ports[0], rtcp=ports[1], advertised=NETWORK, now=self.now)
            case sip.Event():
                self.events.append(output)

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while (due := self.host.next_timeout()) is not None and due <= end:
            self.now = max(self.now, due)
            self.host.handle_timeout(now=self.now)
            self.work()
        self.now = end


def test_the_parts_find_each_other_over_http() -> None:
    driver = Driver()
    driver.run(0.1)
    assert any(isinstance(event, mcu.McuRegistered) for event in driver.events)
    before = driver.posts
    driver.run(25)
    assert driver.posts > before  # the MCU announces itself again


def test_media_tick_by_the_same_time_as_everything_else() -> None:
    driver = Driver()
    driver.work()
    conference = "sip:ann@example.com;gruu;opaque=app:conf:focus:id:A1"
    av = c3p.mcu_uri(conference, "audio-video")
    info = c3p.ConferenceInfo(entity=conference)
    user = c3p.User(
        entity="sip:bob@example.com",
        endpoints=(
            c3p.Endpoint(
                entity="{00000000-0000-4000-8000-000000000001}",
                endpoint_uri="sip:bob@192.0.2.9:5060;transport=udp",
                joining_method="dialed-out",
            ),
        ),
    )
    for number, command in enumerate(
        (
            c3p.AddConference(conference_info=info, callback_uri=f"{URL}/focus"),
            c3p.AddUser(conference_keys=c3p.ConferenceKeys(conf_entity=conference), user=user),
        )
    ):
        request = c3p.Request(
            request_id=str(number + 1),
            from_=conference,
            to=av,
            command=command,
            originator="sip:ann@example.com",
            originator_role="presenter",
        )
        driver.host.receive_http(head("/mcu"), bytes(request), peer="focus", asker=f"ask {number}", now=driver.now)
        driver.work()
    invite = sip.parse_message(driver.sent[-1].data)
    assert isinstance(invite, sip.Request)
    assert driver.sent[-1].flow.remote == sip.Address("192.0.2.9", 5060)  # a flow that the host made by itself
    answer = rtp.answer(rtp.SessionDescription.parse(invite.body), rtp.Capabilities(), "192.0.2.9", 30000)
    response = invite.response(
        200,
        to_tag="bob",
        headers=[("Contact", "<sip:bob@192.0.2.9:5060>"), ("Content-Type", "application/sdp")],
        body=bytes(answer),
    )
    driver.host.receive_datagram(bytes(response), remote=("192.0.2.9", 5060), now=driver.now)
    driver.work()
    driver.host.receive_media(mcu.LegId(1), "rtp", rtp_packet(), ("192.0.2.9", 30000), now=driver.now)
    due = driver.host.next_timeout()
    assert due is not None
    assert due - driver.now <= 0.02
    driver.run(1.0)
    assert len([packet for packet in driver.packets if packet.kind == "rtp"]) >= 40
    assert {packet.destination for packet in driver.packets} <= {("192.0.2.9", 30000), ("192.0.2.9", 30001)}


def rtp_packet() -> bytes:
    return bytes(rtp.RtpPacket(0, 1, 0, 77, b"\xff" * 160))


@pytest.mark.parametrize(
    ("path", "peer", "body", "status"),
    [
        ("/mcu", None, b"", 401),
        ("/elsewhere", "focus", b"", 404),
        ("/mcu", "focus", b"no XML", 400),
    ],
)
def test_http_that_brings_no_document_is_answered(path: str, peer: str | None, body: bytes, status: int) -> None:
    driver = Driver()
    driver.host.receive_http(head(path), body, peer=peer, asker="somebody", now=0.0)
    driver.work()
    assert driver.answers["somebody"].status == status


def test_a_datagram_has_a_flow_that_stays() -> None:
    driver = Driver()
    for branch in ("1", "2"):
        via = f"SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK{branch}"
        request = raw_request("OPTIONS", "sip:example.com", via=via)
        driver.host.receive_datagram(request, remote=("192.0.2.7", 5060), now=0.0)
        driver.work()
    flows = {sent.flow for sent in driver.sent}
    assert [(flow.transport, str(flow.remote.host)) for flow in flows] == [("UDP", "192.0.2.7")]
    with pytest.raises(sip.LocalProtocolError, match="does not listen"):
        driver.host.receive_datagram(b"x", remote=("2001:db8::1", 5060), now=0.0)


def test_what_nobody_serves_or_waits_for_is_a_mistake() -> None:
    keys = c3p.ConferenceKeys(conf_entity="sip:ann@example.com;gruu;opaque=app:conf:focus:id:A1")
    request = c3p.Request(request_id="1", from_="a", to="b", command=c3p.DeleteConference(conference_keys=keys))
    with pytest.raises(sip.LocalProtocolError, match="path must be one of /focus"):
        server().receive_c3p("/nowhere", request, peer="focus", asker="x", now=0.0)
    with pytest.raises(sip.LocalProtocolError, match="no document 17"):
        server().posted(17, c3p.Reply(200), now=0.0)
