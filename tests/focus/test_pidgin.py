"""A client with the habits of pidgin-sipe gets through everything (real-clients 1).

Its Via has no branch, its SUBSCRIBE no Expires; it offers no session timer, never refreshes and never answers an INFO.
"""

from __future__ import annotations

from focus_site import RawPeer, Site

from c3p import Code, ConferenceInfo, Response, parse_document
from focus import CommandFinished, ConferenceEnded, ParticipantLeft
from sip import NameAddr, Request
from sip import Response as SipResponse

ME = "sip:pidgin@example.com"
CONF_ID = "A51BDAEBF85BD6DF39AC1C9E80ADF62D"
CONF = f"{ME};gruu;opaque=app:conf:focus:id:{CONF_ID}"
GUID = "{9E18DF61-D17F-E63A-19B4-CE30D96806FC}"
PHONE = "sip:phone@example.org"
CCCP = 'xmlns="urn:ietf:params:xml:ns:cccp" xmlns:mscp="http://schemas.microsoft.com/rtc/2005/08/cccpextensions"'
VIA = "Via: SIP/2.0/tcp 192.0.2.77:41234"


class Pidgin(RawPeer):
    """The wire habits, message by message."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.cseq = 0
        self.to_tag = ""
        self.target = ""

    def service(self, command: str) -> Response:
        factory = f"{ME};gruu;opaque=app:conf:focusfactory"
        body = f'<request {CCCP} C3PVersion="1" to="{factory}" from="{ME}" requestId="0">{command}</request>'
        (answer,) = self.send(
            f"""SERVICE {factory} SIP/2.0
            {VIA}
            From: <{ME}>;tag=1111;epid=0123456789ab
            To: <{factory}>
            Max-Forwards: 70
            CSeq: 1 SERVICE
            User-Agent: pidgin
            Call-ID: service1
            Contact: <{ME};opaque=user:epid:x;gruu>
            Content-Type: application/cccp+xml""",
            body.encode(),
        )
        assert isinstance(answer, SipResponse)
        assert (answer.status, answer.headers.get("CSeq")) == (200, "1 SERVICE")
        document = parse_document(answer.body)
        assert isinstance(document, Response)
        return document

    def create(self) -> Response:
        return self.service(
            '<addConference><ci:conference-info xmlns:ci="urn:ietf:params:xml:ns:conference-info" entity="" '
            'xmlns:msci="http://schemas.microsoft.com/rtc/2005/08/confinfoextensions"><ci:conference-description>'
            f"<ci:subject/><msci:conference-id>{CONF_ID}</msci:conference-id>"
            "<msci:expiry-time>2026-01-01T07:00:00Z</msci:expiry-time>"
            "<msci:admission-policy>openAuthenticated</msci:admission-policy></ci:conference-description>"
            '<msci:conference-view><msci:entity-view entity="chat"/><msci:entity-view entity="audio-video"/>'
            '<msci:entity-view entity="meeting"/></msci:conference-view></ci:conference-info></addConference>'
        )

    def join(self) -> SipResponse:
        body = (
            f'<request {CCCP} C3PVersion="1" to="{CONF}" from="{ME}" requestId="0"><addUser><conferenceKeys '
            f'confEntity="{CONF}"/><ci:user xmlns:ci="urn:ietf:params:xml:ns:conference-info" entity="{ME}"><ci:roles>'
            f'<ci:entry>attendee</ci:entry></ci:roles><ci:endpoint entity="{GUID}" '
            'xmlns:msci="http://schemas.microsoft.com/rtc/2005/08/confinfoextensions"/></ci:user></addUser></request>'
        )
        (answer,) = self.send(
            f"""INVITE {CONF} SIP/2.0
            {VIA}
            From: <{ME}>;tag=2222;epid=0123456789ab
            To: <{CONF}>
            Max-Forwards: 70
            CSeq: 1 INVITE
            Call-ID: focus1
            Supported: ms-sender
            Contact: <{ME};opaque=user:epid:x;gruu>
            Content-Type: application/cccp+xml""",
            body.encode(),
        )
        assert isinstance(answer, SipResponse)
        self.to_tag = answer.to.tag or ""
        contact = answer.contact[0]
        assert isinstance(contact, NameAddr)
        self.target = str(contact.uri)
        self.cseq = 1
        self.in_dialog("ACK")
        return answer

    def in_dialog(self, method: str, body: bytes = b"") -> list[Request | SipResponse]:
        if method != "ACK":
            self.cseq += 1
        content = "\nContent-Type: application/cccp+xml" if body else ""
        return self.send(
            f"""{method} {self.target} SIP/2.0
            {VIA}
            From: <{ME}>;tag=2222;epid=0123456789ab
            To: <{CONF}>;tag={self.to_tag}
            Max-Forwards: 70
            CSeq: {self.cseq} {method}
            Call-ID: focus1{content}""",
            body,
        )

    def subscribe(self, call_id: str = "subscribe1", *, expires: str = "") -> list[Request | SipResponse]:
        return self.send(
            f"""SUBSCRIBE {CONF} SIP/2.0
            {VIA}
            From: <{ME}>;tag=3333;epid=0123456789ab
            To: <{CONF}>
            Max-Forwards: 70
            CSeq: 1 SUBSCRIBE
            Call-ID: {call_id}
            Event: conference
            Accept: application/conference-info+xml
            Supported: com.microsoft.autoextend
            Supported: ms-benotify
            Proxy-Require: ms-benotify
            Supported: ms-piggyback-first-notify
            Contact: <{ME};opaque=user:epid:x;gruu>{expires}"""
        )

    def command(self, number: int, command: str) -> SipResponse:
        document = f'<request {CCCP} C3PVersion="1" to="{CONF}" from="{ME}" requestId="{number}">{command}</request>'
        answers = self.in_dialog("INFO", document.encode())
        assert isinstance(answers[0], SipResponse)
        return answers[0]

    def dial_out(self, number: int, user: str = PHONE) -> SipResponse:
        return self.command(
            number,
            f'<addUser mscp:mcuUri="{CONF.replace("focus", "audio-video")}"><conferenceKeys confEntity="{CONF}"/>'
            f'<ci:user xmlns:ci="urn:ietf:params:xml:ns:conference-info" entity="{user}">'
            f'<ci:endpoint entity="{GUID[:-2]}0}}">'
            "<ci:joining-method>dialed-out</ci:joining-method></ci:endpoint></ci:user></addUser>",
        )

    def documents(self) -> list[ConferenceInfo]:
        """The rosters that came as BENOTIFY."""
        bodies = [
            one.body for one in self.received if isinstance(one, Request) and one.method == "BENOTIFY" and one.body
        ]
        return [one for body in bodies if isinstance(one := parse_document(body), ConferenceInfo)]


def joined(site: Site) -> Pidgin:
    pidgin = Pidgin(site)
    pidgin.create()
    pidgin.join()
    pidgin.subscribe()
    return pidgin


def test_it_creates_a_conference_and_learns_its_uri() -> None:
    response = Pidgin(Site()).create()
    assert response.code is Code.SUCCESS
    command = response.command
    assert command is not None
    assert command.conference_info.entity == CONF  # type: ignore[attr-defined]


def test_it_asks_what_there_is() -> None:
    response = Pidgin(Site()).service("<getConferencingCapabilities/>")
    assert response.command is not None
    assert response.command.mcu_types == ("audio-video",)  # type: ignore[attr-defined]


def test_it_joins_without_session_timer() -> None:
    pidgin = Pidgin(Site())
    pidgin.create()
    answer = pidgin.join()
    assert answer.status == 200
    assert answer.headers.get("CSeq") == "1 INVITE"
    assert answer.headers.get("Via") == VIA.partition(": ")[2]
    assert str(answer.to.uri) == CONF
    assert answer.to.tag
    assert answer.session_expires is None
    document = parse_document(answer.body)
    assert isinstance(document, Response)
    assert (document.code, document.request_id) == (Code.SUCCESS, "0")


def test_its_first_document_comes_with_the_answer() -> None:
    pidgin = Pidgin(Site())
    pidgin.create()
    pidgin.join()
    (answer,) = pidgin.subscribe()
    assert isinstance(answer, SipResponse)
    assert answer.status == 200
    assert answer.headers.get("ms-piggyback-cseq")
    assert answer.headers.get("Event") == "conference"
    document = parse_document(answer.body)
    assert isinstance(document, ConferenceInfo)
    assert document.users is not None
    assert [one.entity for one in document.users.users] == [ME]


def test_it_is_told_of_everything_although_it_never_answers_an_info() -> None:
    site = Site()
    mcu = site.mcu()
    pidgin = joined(site)
    assert pidgin.dial_out(1).status == 202
    mcu.answer_call(PHONE)
    assert any(isinstance(one, Request) and one.method == "INFO" for one in pidgin.received)
    # The INFO times out: it ends nothing, and delays nothing meanwhile.
    site.joined(site.client("bob"), CONF)
    assert pidgin.documents()[-1].users is not None
    site.net.pass_time(60.0)
    assert pidgin.command(2, f'<getConference><conferenceKeys confEntity="{CONF}"/></getConference>').status == 200
    mcu.call(PHONE, "on-hold")
    last = pidgin.documents()[-1].users
    assert last is not None
    assert last.users[0].endpoints[0].status == "on-hold"
    assert site.node.of(ParticipantLeft) == []


def test_it_may_leave_several_infos_unanswered() -> None:
    site = Site()
    mcu = site.mcu()
    pidgin = joined(site)
    for number in range(1, 6):
        pidgin.dial_out(number, f"sip:phone{number}@example.org")
        mcu.answer_call(f"sip:phone{number}@example.org")
    assert len([one for one in pidgin.received if isinstance(one, Request) and one.method == "INFO"]) == 5
    site.net.pass_time(100.0)
    assert len(site.node.of(CommandFinished)) == 5
    assert site.focus.conferences == (CONF,)


def test_it_stays_for_hours_without_a_refresh() -> None:
    site = Site()
    pidgin = joined(site)
    site.net.pass_time(5 * 3600.0)
    assert site.focus.conferences == (CONF,)
    site.joined(site.client("bob"), CONF)
    last = pidgin.documents()[-1].users
    assert last is not None
    assert last.users[0].entity == "sip:bob@example.com"


def test_each_document_makes_sense_to_a_client_that_merges_by_user_and_endpoint() -> None:
    site = Site()
    mcu = site.mcu()
    pidgin = joined(site)
    pidgin.dial_out(1)
    mcu.answer_call(PHONE)
    mcu.call(PHONE, "on-hold")
    for document in pidgin.documents():
        for user in document.users.users if document.users is not None else ():
            assert user.state == "full"
            assert user.roles
            assert user.endpoints
            assert all(one.status and one.session_type for one in user.endpoints)
    mcu.hang_up(PHONE)
    last = pidgin.documents()[-1].users
    assert last is not None
    assert [(one.entity, one.state) for one in last.users] == [(PHONE, "deleted")]


def test_it_unsubscribes_on_a_fresh_call_id() -> None:
    site = Site()
    pidgin = joined(site)
    answers = pidgin.subscribe("subscribe2", expires="\n            Expires: 0")
    statuses = [one.status for one in answers if isinstance(one, SipResponse)]
    ends = [one for one in answers if isinstance(one, Request) and one.method in ("BENOTIFY", "NOTIFY")]
    assert statuses == [200]
    assert ends[0].call_id == "subscribe1"
    assert ends[0].subscription_state is not None
    assert ends[0].subscription_state.state == "terminated"
    before = len(pidgin.documents())
    site.joined(site.client("bob"), CONF)
    assert len(pidgin.documents()) == before


def test_a_fetch_without_a_live_subscription_gets_the_whole_once() -> None:
    site = Site()
    pidgin = Pidgin(site)
    pidgin.create()
    pidgin.join()
    (answer, *_) = pidgin.subscribe("fetch", expires="\n            Expires: 0")
    assert isinstance(answer, SipResponse)
    assert isinstance(parse_document(answer.body), ConferenceInfo)
    site.net.pass_time(1.0)
    assert site.focus._subscriptions == {}


def test_it_leaves_by_bye() -> None:
    site = Site()
    pidgin = joined(site)
    answers = pidgin.in_dialog("BYE")
    assert isinstance(answers[0], SipResponse)
    assert answers[0].status == 200
    assert site.node.of(ConferenceEnded)


def test_the_end_of_its_connection_is_the_end_of_its_stay() -> None:
    site = Site()
    pidgin = joined(site)
    bob = site.joined(site.client("bob"), CONF)
    site.net.unreachable(pidgin)  # type: ignore[arg-type]
    site.net.settle(site.node, site.node.endpoint.flow_closed(pidgin.back, now=site.net.now))
    site.net.peers.clear()
    site.net.pass_time(31.0)
    assert site.node.last(ParticipantLeft).user == ME
    assert bob.client.state.value in ("joined", "out")


def test_a_481_to_our_info_ends_its_dialog() -> None:
    site = Site()
    mcu = site.mcu()
    pidgin = joined(site)
    bob = site.joined(site.client("bob"), CONF)
    pidgin.dial_out(1)
    mcu.answer_call(PHONE)
    info = next(one for one in pidgin.received if isinstance(one, Request) and one.method == "INFO")
    answer = bytes(info.response(481))
    site.node.take(site.node.pump.receive_data(answer, flow=pidgin.back, now=site.net.now))
    site.net.run()
    assert site.node.last(ParticipantLeft).cause == "dialog gone"
    assert bob.user(ME) is None
