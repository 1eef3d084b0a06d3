"""A C3P client with the habits of the only open one (seen on the wire): it joins, subscribes and is told everything.

Via without branch over TCP, no session timer, no answer to any INFO of the Focus, unsubscribing on a fresh Call-ID.
"""

from collections.abc import Callable

import attrs

import c3p
import sip
from pyc3p.simnet import Meeting, RawPeer

BOB, NED = "sip:bob@example.com", "sip:ned@example.com"
Meet = Callable[..., Meeting]


@attrs.define
class OldClient:
    """Ned, at his old client."""

    meeting: Meeting
    peer: RawPeer
    cseq: int = 0
    tag: str = ""  #: To tag of the Focus dialog
    documents: int = 0

    @property
    def uri(self) -> str:
        return self.meeting.uri

    def send(
        self,
        method: str,
        body: bytes = b"",
        *,
        call_id: str = "focus",
        extra: str = "",
        to_tag: str = "",
        cseq: int = 0,
    ) -> None:
        if not cseq:
            self.cseq += 1
        tag = f";tag={to_tag}" if to_tag else ""
        kind = f"Content-Type: {c3p.CCCP_TYPE}\r\n" if body else ""
        head = (
            f"{method} {self.uri} SIP/2.0\r\nVia: SIP/2.0/tcp 192.0.2.200:50505\r\nMax-Forwards: 70\r\n"
            f"From: <{NED}>;tag=42;epid=0123\r\nTo: <{self.uri}>{tag}\r\nCall-ID: {call_id}\r\n"
            f"CSeq: {cseq or self.cseq} {method}\r\nContact: <{NED}:50505;transport=tcp>\r\n{extra}{kind}"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self.peer.send(head.encode() + body)

    def answer(self, method: str) -> sip.Response:
        """The final answer to the last request of this method."""
        number = self.cseq
        self.meeting.network.run_until(lambda: bool(self._finals(method, number)), 10.0, what=f"an answer to {method}")
        return self._finals(method, number)[0]

    def _finals(self, method: str, number: int) -> list[sip.Response]:
        return [each for each in self.peer.responses(method) if each.status >= 200 and each.cseq.number == number]

    def document(self, command: c3p.Command) -> bytes:
        self.documents += 1
        return bytes(c3p.Request(request_id=str(self.documents - 1), from_=NED, to=self.uri, command=command))

    def join(self) -> None:
        endpoint = c3p.Endpoint(entity="{BA5328CC-C663-438C-BA63-F94FA4FF1D37}")
        user = c3p.User(entity=NED, roles=("attendee",), endpoints=(endpoint,))
        keys = c3p.ConferenceKeys(conf_entity=self.uri)
        body = self.document(c3p.AddUser(conference_keys=keys, user=user))
        self.send("INVITE", body, extra="Supported: ms-sender\r\n")
        answer = self.answer("INVITE")
        assert answer.status == 200
        response = c3p.parse_document(answer.body)
        assert isinstance(response, c3p.Response)
        assert response.code is c3p.Code.SUCCESS
        assert "require" not in answer.headers
        self.tag = answer.to.tag or ""
        self.send("ACK", to_tag=self.tag, cseq=self.cseq)

    def subscribe(self, call_id: str, extra: str = "") -> sip.Response:
        self.send(
            "SUBSCRIBE",
            call_id=call_id,
            extra="Event: conference\r\nAccept: application/conference-info+xml\r\nProxy-Require: ms-benotify\r\n"
            "Supported: com.microsoft.autoextend\r\nSupported: ms-benotify\r\n"
            f"Supported: ms-piggyback-first-notify\r\n{extra}",
        )
        return self.answer("SUBSCRIBE")

    def statuses(self, user: str) -> list[str]:
        """What the BENOTIFYs said of a user, merging by user and endpoint only."""
        seen = []
        for request in self.peer.requests("BENOTIFY"):
            info = c3p.parse_document(request.body)
            assert isinstance(info, c3p.ConferenceInfo)
            for each in info.users.users if info.users else ():
                if each.entity == user:
                    seen.append(each.state if each.state == "deleted" else str(each.endpoints[0].status))
        return seen


def begin(meet: Meet) -> tuple[Meeting, OldClient]:
    meeting = meet()
    client = OldClient(meeting, RawPeer(meeting.network, "old client", "192.0.2.200"))
    client.peer.connect(meeting.sim.farm.places["focus"].host, 5060)
    client.join()
    return meeting, client


def test_it_joins_subscribes_and_is_told_of_everything(meet: Meet) -> None:
    meeting, client = begin(meet)
    answer = client.subscribe("roster")
    assert answer.status == 200
    assert answer.headers.get("event") == "conference"
    assert "ms-piggyback-cseq" in answer.headers
    first = c3p.parse_document(answer.body)
    assert isinstance(first, c3p.ConferenceInfo)
    assert first.users is not None
    assert NED in [user.entity for user in first.users.users]
    assert meeting.outcome("presenter", meeting.dial("presenter", BOB)).succeeded
    assert meeting.outcome("presenter", meeting.eject("presenter", BOB)).succeeded
    meeting.network.run_for(1.0)
    stages = client.statuses(BOB)
    assert stages[:3] == ["dialing-out", "alerting", "connected"]
    assert stages[-1] == "deleted"


def test_a_result_that_it_never_answers_costs_it_nothing(meet: Meet) -> None:
    meeting, client = begin(meet)
    client.subscribe("roster")
    promoted = meeting.command("presenter", lambda core, now: core.modify_user_roles(NED, "presenter", now=now))
    assert meeting.outcome("presenter", promoted).succeeded
    assert meeting.outcome("presenter", meeting.dial("presenter", BOB)).succeeded
    keys = c3p.UserKeys(conf_entity=meeting.uri, user_entity=BOB)
    client.send("INFO", client.document(c3p.DeleteUser(user_keys=keys)), to_tag=client.tag)
    assert client.answer("INFO").status == 202
    meeting.network.run_until(lambda: bool(client.peer.requests("INFO")), 10.0, what="the result")
    meeting.network.run_for(100.0)
    assert client.peer.requests("BYE") == []
    before = len(client.peer.requests("BENOTIFY"))
    locked = meeting.command("presenter", lambda core, now: core.set_lock(True, now=now))
    assert meeting.outcome("presenter", locked).succeeded
    meeting.network.run_for(0.5)
    assert len(client.peer.requests("BENOTIFY")) > before
    assert (NED, "ba5328cc-c663-438c-ba63-f94fa4ff1d37") in meeting.true_roster()


def test_it_unsubscribes_without_a_dialog(meet: Meet) -> None:
    meeting, client = begin(meet)
    client.subscribe("roster")
    assert client.subscribe("another", "Expires: 0\r\n").status == 200
    meeting.network.run_for(1.0)
    before = len(client.peer.requests("BENOTIFY"))
    meeting.outcome("presenter", meeting.dial("presenter", BOB))
    meeting.network.run_for(1.0)
    assert len(client.peer.requests("BENOTIFY")) == before


def test_when_its_connection_breaks_the_others_see_it_go(meet: Meet) -> None:
    meeting, client = begin(meet)
    meeting.network.break_connections("old client")
    meeting.network.run_for(120.0)
    assert client.peer.closed
    assert NED not in {user for user, _ in meeting.true_roster()}
    assert meeting.roster("presenter") == meeting.true_roster()
