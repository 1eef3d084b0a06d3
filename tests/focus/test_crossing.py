"""Messages that cross, and several in one piece of a stream: nothing raises, nothing is left behind."""

from __future__ import annotations

import itertools

import pytest
from focus_site import RawPeer, Site
from pidgin_peer import CCCP, CONF, GUID, ME, Pidgin

from focus import ConferenceEnded

INFO = f'<getConference><conferenceKeys confEntity="{CONF}"/></getConference>'
END = f'<deleteConference><conferenceKeys confEntity="{CONF}"/></deleteConference>'


class Hasty(Pidgin):
    """Sends several messages in one piece."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.branches = itertools.count(1)

    def invite(self) -> bytes:
        body = (
            f'<request {CCCP} to="{CONF}" from="{ME}" requestId="0"><addUser><conferenceKeys confEntity="{CONF}"/>'
            f'<ci:user xmlns:ci="urn:ietf:params:xml:ns:conference-info" entity="{ME}"><ci:endpoint entity="{GUID}"/>'
            "</ci:user></addUser></request>"
        )
        return self.outside("INVITE", body.encode())

    def outside(self, method: str, body: bytes = b"", cseq: str = "1") -> bytes:
        content = "\nContent-Type: application/cccp+xml" if body else ""
        return RawPeer.message(
            f"""{method} {CONF} SIP/2.0
            Via: SIP/2.0/TCP 192.0.2.77:5060;branch=z9hG4bKhasty
            From: <{ME}>;tag=2222
            To: <{CONF}>
            Max-Forwards: 70
            CSeq: {cseq} {method}
            Call-ID: focus1
            Contact: <{ME};gruu>{content}""",
            body,
        )

    def inside(self, method: str, command: str = "", number: int = 0) -> bytes:
        self.cseq += 1
        document = (
            f'<request {CCCP} to="{CONF}" from="{ME}" requestId="{number}">{command}</request>' if command else ""
        )
        content = "\nContent-Type: application/cccp+xml" if command else ""
        return RawPeer.message(
            f"""{method} {self.target} SIP/2.0
            Via: SIP/2.0/TCP 192.0.2.77:5060;branch=z9hG4bKin{next(self.branches)}
            From: <{ME}>;tag=2222
            To: <{CONF}>;tag={self.to_tag}
            Max-Forwards: 70
            CSeq: {self.cseq} {method}
            Call-ID: focus1{content}""",
            document.encode(),
        )


def hasty(site: Site) -> Hasty:
    made = Hasty(site)
    made.create()
    return made


def test_an_invite_and_its_cancel_in_one_piece() -> None:
    site = Site()
    peer = hasty(site)
    peer.send_bytes(peer.invite() + peer.outside("CANCEL"))
    site.net.run(60.0)
    assert site.focus.conferences == ()
    assert site.focus._active.of_session == {}


def test_a_second_invite_in_the_same_piece() -> None:
    site = Site()
    peer = hasty(site)
    peer.send_bytes(peer.invite() + peer.invite())
    site.net.run(60.0)
    # Nobody acknowledged: the dialog, and with it the conference, is over.
    assert site.focus.conferences == ()


@pytest.mark.parametrize("first", [INFO, END])
@pytest.mark.parametrize("second", ["BYE", "INFO"])
def test_commands_and_the_end_in_one_piece(first: str, second: str) -> None:
    site = Site()
    site.mcu()
    peer = hasty(site)
    peer.join()
    peer.subscribe()
    command = peer.inside("INFO", first, 7)
    peer.send_bytes(command + peer.inside(second, INFO if second == "INFO" else "", 8))
    site.net.run(60.0)
    assert bool(site.node.of(ConferenceEnded)) is (first == END or second == "BYE")


def test_a_command_that_ends_with_the_dialog_in_the_same_step() -> None:
    site = Site()
    mcu = site.mcu()
    peer = hasty(site)
    peer.join()
    peer.subscribe()
    peer.dial_out(1)
    mcu.answers.clear()
    bye = peer.inside("BYE")
    # The MCU's answer is on its way while the BYE is read.
    site.node.take(site.node.endpoint.receive_data(bye, flow=peer.back, now=site.net.now))
    mcu.result("sip:phone@example.org")
    site.net.run(1.0)
    assert site.focus.conferences in ((CONF,), ())


def test_a_subscription_and_its_end_in_one_piece() -> None:
    site = Site()
    peer = hasty(site)
    peer.join()
    first = RawPeer.message(
        f"""SUBSCRIBE {CONF} SIP/2.0
        Via: SIP/2.0/TCP 192.0.2.77:5060;branch=z9hG4bKsub
        From: <{ME}>;tag=3333
        To: <{CONF}>
        Max-Forwards: 70
        CSeq: 1 SUBSCRIBE
        Call-ID: sub1
        Event: conference
        Contact: <{ME};gruu>"""
    )
    second = first.replace(b"z9hG4bKsub", b"z9hG4bKsu2").replace(b"sub1", b"sub2").replace(b"3333", b"4444")
    fetch = second.replace(b"Event:", b"Expires: 0\r\nEvent:")
    peer.send_bytes(first + fetch)
    peer.send_bytes(first.replace(b"sub1", b"sub3") + peer.inside("BYE"))
    site.net.run(60.0)
    assert site.focus._active.of_subscription == {}
    assert site.focus.conferences == ()


def test_two_subscribes_and_an_end_in_one_piece() -> None:
    site = Site()
    peer = hasty(site)
    peer.join()
    peer.subscribe()
    peer.send_bytes(peer.inside("INFO", END, 7) + peer.inside("INFO", INFO, 8) + peer.inside("BYE"))
    site.net.run(60.0)
    assert site.focus._active.of_subscription == {}
    assert site.focus._active.of_session == {}
