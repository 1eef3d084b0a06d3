"""A client with the wire habits of pidgin-sipe (docs/clients.rst), message by message."""

from __future__ import annotations

from focus_site import RawPeer, Site

from c3p import ConferenceInfo, Response, parse_document
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
