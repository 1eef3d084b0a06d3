"""The client against a server that does what the test says: odd answers, redirections, refreshes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from focus_site import Node, Phone, Site

from c3p import (
    AddConference,
    AddUser,
    Code,
    ConferenceInfo,
    ConferenceKeys,
    GetConference,
    User,
    parse_document,
)
from c3p import Request as Command
from focus import (
    ClientState,
    CommandAccepted,
    CommandFailed,
    CommandSucceeded,
    FailureReason,
    Joined,
    JoinFailed,
    Left,
    Subscribed,
    SubscriptionLost,
)
from sip import (
    Claim,
    Event,
    InviteReceived,
    NameAddr,
    RequestReceived,
    SeededEntropy,
    SessionAnswered,
    SessionId,
    SubscribeReceived,
    SubscriptionId,
    Uri,
)
from sip import Request as SipRequest
from sip import Response as SipResponse

HOST = "192.0.2.200"
URI = "sip:alice@example.com;gruu;opaque=app:conf:focus:id:ABCDEF0123"
CCCP = "application/cccp+xml"


class Server:
    """A core that answers by script."""

    owner = "server"

    def __init__(self, site: Site) -> None:
        self.site = site
        self.node = site.net.node("server", HOST, site.endpoint(HOST, SeededEntropy(b"server")), self)
        self.node.endpoint.add_core(
            "server",
            lambda request, flow: True,
            claim=Claim.CONFERENCE,
            methods=("INVITE", "ACK", "BYE", "CANCEL", "INFO", "UPDATE", "SUBSCRIBE", "SERVICE"),
            supported=("timer", "ms-benotify"),
        )
        self.session: SessionId | None = None
        self.invited: Callable[[InviteReceived], None] = self.welcome
        self.asked: Callable[[RequestReceived, Command], None] = self.agree
        self.subscribed: Callable[[SubscribeReceived], None] = lambda event: None

    @property
    def now(self) -> float:
        return self.site.net.now

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        if isinstance(event, InviteReceived):
            self.session = event.session
            self.invited(event)
        elif isinstance(event, RequestReceived):
            document = parse_document(event.request.body)
            assert isinstance(document, Command)
            self.asked(event, document)
        elif isinstance(event, SubscribeReceived):
            self.subscribed(event)
        return []

    def next_timeout(self) -> float | None:
        return None

    def handle_timeout(self, *, now: float) -> list[Event]:
        return []

    def take_events(self) -> list[Event]:
        return []

    def accept(self, event: InviteReceived, body: bytes) -> None:
        contact = NameAddr(f"sip:alice@{HOST}:5060;transport=tcp")
        content_type = CCCP if body else None
        self.node.endpoint.accept(event.session, body=body, content_type=content_type, contact=contact, now=self.now)

    def welcome(self, event: InviteReceived) -> None:
        document = parse_document(event.request.body)
        assert isinstance(document, Command)
        self.accept(event, bytes(document.respond(Code.SUCCESS)))

    def respond(self, event: RequestReceived, status: int, body: bytes = b"", **headers: str) -> None:
        assert event.transaction is not None
        lines = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        content_type = CCCP if body else None
        self.node.endpoint.respond(
            event.transaction, status, headers=lines, body=body, content_type=content_type, now=self.now
        )

    def agree(self, event: RequestReceived, document: Command) -> None:
        self.respond(event, 200, bytes(document.respond(Code.SUCCESS)))


def setting() -> tuple[Site, Server, Phone]:
    site = Site()
    server = Server(site)
    proxy = Uri.parse(f"sip:{HOST}:5060;transport=tcp")
    return site, server, site.client("alice", outbound_proxy=proxy)


def join(site: Site, phone: Phone) -> None:
    phone.client.join(URI, now=site.net.now)
    site.net.run()


def answer_of(site: Site, sender: str) -> SipResponse:
    return [one for one in site.net.messages(sender) if isinstance(one, SipResponse)][-1]


def failure(document: Command) -> bytes:
    return bytes(document.respond(Code.FAILURE, reason="unauthorized"))


@pytest.mark.parametrize("body", ["nothing", "garbage", "failure", "pending", "no response"])
def test_a_200_without_success_is_no_join(body: str) -> None:
    site, server, alice = setting()

    def invited(event: InviteReceived) -> None:
        document = parse_document(event.request.body)
        assert isinstance(document, Command)
        bodies = {
            "nothing": b"",
            "garbage": b"<response",
            "failure": failure(document),
            "pending": bytes(document.respond(Code.PENDING)),
            "no response": bytes(ConferenceInfo(entity=URI)),
        }
        server.accept(event, bodies[body])

    server.invited = invited
    join(site, alice)
    failed = alice.node.last(JoinFailed)
    assert failed.status == 200
    assert (failed.response is not None) is (body in ("failure", "pending"))
    assert alice.client.state is ClientState.OUT
    assert [one.method for one in site.net.messages("alice") if isinstance(one, SipRequest)][-1] == "BYE"
    assert alice.node.of(Left) == []


def test_a_join_without_role_in_its_answer_is_a_join() -> None:
    site, server, alice = setting()

    def invited(event: InviteReceived) -> None:
        document = parse_document(event.request.body)
        assert isinstance(document, Command)
        command = AddUser(conference_keys=ConferenceKeys(conf_entity=URI), user=User(entity="sip:alice@example.com"))
        server.accept(event, bytes(document.respond(Code.SUCCESS, command=command)))

    server.invited = invited
    join(site, alice)
    assert alice.node.last(Joined).role is None


@pytest.mark.parametrize("contacts", [(), (f"<sip:alice@{HOST}:5060;transport=tcp>",)])
def test_redirections_are_followed_a_few_times(contacts: tuple[str, ...]) -> None:
    site, server, alice = setting()
    lines = tuple(("Contact", contact) for contact in contacts)
    server.invited = lambda event: server.node.endpoint.reject(event.session, 302, headers=lines, now=server.now)
    join(site, alice)
    assert alice.node.last(JoinFailed).status == 302
    invites = [one for one in site.net.messages("alice") if isinstance(one, SipRequest) and one.method == "INVITE"]
    assert len(invites) == (6 if contacts else 1)


def test_diagnostics_that_cannot_be_read_are_none() -> None:
    site, server, alice = setting()
    lines = (("ms-diagnostics", "none"),)
    server.invited = lambda event: server.node.endpoint.reject(event.session, 403, headers=lines, now=server.now)
    join(site, alice)
    failed = alice.node.last(JoinFailed)
    assert (failed.status, failed.diagnostics) == (403, None)


def test_public_diagnostics_are_read_as_well() -> None:
    site, server, alice = setting()
    lines = (("ms-diagnostics-public", '3014;reason="No"'),)
    server.invited = lambda event: server.node.endpoint.reject(event.session, 403, headers=lines, now=server.now)
    join(site, alice)
    diagnostics = alice.node.last(JoinFailed).diagnostics
    assert diagnostics is not None
    assert (diagnostics.error_id, diagnostics.reason) == (3014, "No")


def test_refreshes_of_the_dialog_are_welcome() -> None:
    site, server, alice = setting()
    join(site, alice)
    assert server.session is not None
    server.node.endpoint.reinvite(server.session, now=site.net.now)
    site.net.run()
    assert answer_of(site, "alice").status == 200
    site, server, alice = setting()
    join(site, alice)
    assert server.session is not None
    server.node.endpoint.update(server.session, now=site.net.now)
    site.net.run()
    assert answer_of(site, "alice").status == 200


def test_a_command_can_be_answered_in_any_of_the_ways() -> None:
    site, server, alice = setting()
    join(site, alice)
    answers = iter(
        [
            lambda event, document: server.respond(event, 202),
            lambda event, document: server.respond(event, 200),
            lambda event, document: server.respond(event, 200, b"<response"),
            lambda event, document: server.respond(event, 200, bytes(document.respond(Code.PENDING))),
            lambda event, document: server.respond(event, 202, bytes(document.respond(Code.SUCCESS))),
            lambda event, document: server.respond(event, 500, failure(document)),
        ]
    )
    server.asked = lambda event, document: next(answers)(event, document)
    for _ in range(6):
        alice.client.set_lock(True, now=site.net.now)
        site.net.run()
    assert len(alice.node.of(CommandAccepted)) == 4
    assert len(alice.node.of(CommandSucceeded)) == 1
    failed = alice.node.last(CommandFailed)
    assert (failed.reason, failed.status, failed.text) == (FailureReason.REFUSED, 500, "unauthorized")


def test_a_document_may_come_before_the_answer_that_carries_it() -> None:
    site, server, alice = setting()
    join(site, alice)

    def asked(event: RequestReceived, document: Command) -> None:
        assert server.session is not None
        server.node.endpoint.request_in_session(
            server.session, "INFO", body=bytes(document.respond(Code.SUCCESS)), content_type=CCCP, now=server.now
        )
        server.respond(event, 500)

    server.asked = asked
    alice.client.set_lock(True, now=site.net.now)
    site.net.run()
    assert len(alice.node.of(CommandSucceeded)) == 1
    assert alice.node.of(CommandFailed) == []


def test_a_service_answer_without_what_it_is_for_is_unusable() -> None:
    site, server, alice = setting()
    answers = iter(
        [
            lambda event, document: server.respond(event, 200),
            lambda event, document: server.respond(event, 200, bytes(document.respond(Code.SUCCESS))),
            lambda event, document: server.respond(
                event, 200, bytes(document.respond(Code.SUCCESS, command=AddConference()))
            ),
            lambda event, document: server.respond(
                event, 200, bytes(document.respond(Code.SUCCESS, command=GetConference()))
            ),
        ]
    )
    server.asked = lambda event, document: next(answers)(event, document)
    for _ in range(4):
        alice.client.create_conference(now=site.net.now)
        site.net.run()
    assert [one.reason for one in alice.node.of(CommandFailed)] == [FailureReason.UNUSABLE] * 4


def test_commands_in_a_dialog_that_has_just_ended_fail() -> None:
    site, server, alice = setting()
    join(site, alice)
    assert server.session is not None
    server.node.endpoint.bye(server.session, now=site.net.now)
    endpoint = alice.node.endpoint
    for out in server.node.endpoint.data_to_send():
        _, back = site.net.far_end(out.flow)
        # The endpoint knows, the client does not yet.
        events = endpoint.receive_data(out.data, flow=back, now=site.net.now)
        command = alice.client.set_lock(True, now=site.net.now)
        alice.node.take(events)
    assert alice.node.of(Left)
    assert alice.node.last(CommandFailed).command == command
    assert len(alice.node.of(CommandFailed)) == 1


def test_a_focus_that_ends_the_subscription_is_reported() -> None:
    site, server, alice = setting()
    join(site, alice)

    def subscribed(event: SubscribeReceived) -> None:
        endpoint = server.node.endpoint
        endpoint.accept_subscription(event.subscription, expires=3600, now=server.now)
        endpoint.notify(event.subscription, now=server.now)
        endpoint.end_subscription(event.subscription, reason="deactivated", now=server.now)

    server.subscribed = subscribed
    alice.client.subscribe(now=site.net.now)
    site.net.run()
    assert alice.node.last(SubscriptionLost).reason == "deactivated"
    assert alice.client.roster is None


def test_a_client_that_is_sent_away_follows_whoever_has_the_conference_and_is_not_sent_back_and_forth() -> None:
    site, server, alice = setting()
    join(site, alice)
    asked: list[float] = []

    def subscribed(event: SubscribeReceived) -> None:
        endpoint = server.node.endpoint
        endpoint.accept_subscription(event.subscription, expires=3600, now=server.now)
        if event.expires == 0:
            return
        asked.append(server.now)
        endpoint.notify(event.subscription, now=server.now)
        if len(asked) != 2:
            endpoint.end_subscription(event.subscription, reason="deactivated", now=server.now)
        else:
            followed.append(event.subscription)

    followed: list[SubscriptionId] = []
    server.subscribed = subscribed
    alice.client.subscribe(now=site.net.now)
    site.net.run()
    assert len(asked) == 2
    assert not alice.node.of(SubscriptionLost)
    site.net.run(60.0)
    server.node.endpoint.end_subscription(followed[0], reason="deactivated", now=server.now)
    server.node.take(())
    site.net.run(60.0)
    assert len(asked) == 3
    assert [lost.reason for lost in alice.node.of(SubscriptionLost)] == ["deactivated"]


# Ends ----------------------------------------------------------------------------------------------------------------


def watching(server: Server) -> None:
    """Accept subscriptions, and whatever ends them."""

    def subscribed(event: SubscribeReceived) -> None:
        endpoint = server.node.endpoint
        endpoint.accept_subscription(event.subscription, expires=3600, now=server.now)
        if event.expires != 0:
            endpoint.notify(event.subscription, now=server.now)

    server.subscribed = subscribed


def quiet(site: Site, *nodes: Node) -> None:
    """Nothing is left in the endpoints, once transactions have had their time."""
    site.net.run(70.0)
    assert [node.endpoint.sizes for node in nodes] == [dict.fromkeys(node.endpoint.sizes, 0) for node in nodes]


def ended(phone: Phone) -> list[str]:
    """The terminal events of a stay, in order."""
    return [type(event).__name__ for event in phone.node.events if isinstance(event, SubscriptionLost | Left)]


@pytest.mark.parametrize("who", ["server", "client"])
def test_the_subscription_ends_with_the_session(who: str) -> None:
    site, server, alice = setting()
    watching(server)
    join(site, alice)
    alice.client.subscribe(now=site.net.now)
    site.net.run()
    assert server.session is not None
    if who == "server":
        server.node.endpoint.bye(server.session, now=site.net.now)
    else:
        alice.client.leave(now=site.net.now)
    site.net.run()
    assert ended(alice) == ["SubscriptionLost", "Left"]
    requests = [one for one in site.net.messages("alice") if isinstance(one, SipRequest) and one.method == "SUBSCRIBE"]
    assert [one.expires for one in requests][-1:] == [0]
    quiet(site, alice.node, server.node)


def test_the_subscription_ends_with_a_focus_that_is_gone() -> None:
    site = Site()
    conference, _, _ = site.meeting()
    bob = site.joined(site.client("bob"), conference)
    site.net.unreachable(site.node)
    for flow in site.net.connections(bob.node):
        site.net.break_off(flow)
    site.net.run(440.0)
    assert ended(bob) == ["SubscriptionLost", "Left"]
    quiet(site, bob.node)


def test_a_subscription_that_is_not_answered_ends_with_the_session_too() -> None:
    site, server, alice = setting()
    join(site, alice)
    alice.client.subscribe(now=site.net.now)
    site.net.run()
    assert server.session is not None
    server.node.endpoint.bye(server.session, now=site.net.now)
    site.net.run()
    assert ended(alice) == ["SubscriptionLost", "Left"]
    quiet(site, alice.node, server.node)
    assert ended(alice) == ["SubscriptionLost", "Left"]


def test_the_next_conference_is_followed_while_the_last_subscription_still_ends() -> None:
    site, server, alice = setting()
    server.subscribed = lambda event: None if event.expires == 0 else watching_once(server, event)
    join(site, alice)
    alice.client.subscribe(now=site.net.now)
    site.net.run()
    assert server.session is not None
    server.node.endpoint.bye(server.session, now=site.net.now)
    site.net.run()
    join(site, alice)
    alice.client.subscribe(now=site.net.now)
    site.net.run()
    site.net.run(120.0)
    assert len(alice.node.of(Subscribed)) == 2
    assert len(alice.node.of(SubscriptionLost)) == 1
    assert alice.node.endpoint.sizes["subscriptions"] == 1


def watching_once(server: Server, event: SubscribeReceived) -> None:
    server.node.endpoint.accept_subscription(event.subscription, expires=3600, now=server.now)
    server.node.endpoint.notify(event.subscription, now=server.now)


def test_a_join_that_is_given_up_when_its_answer_is_here_fails() -> None:
    site, server, alice = setting()
    watching(server)
    command = alice.client.join(URI, now=site.net.now)
    given_up = False
    # The endpoint has the answer, the client does not yet.
    original = alice.client.handle_event

    def handle_event(event: Event, *, now: float) -> list[Event]:
        nonlocal given_up
        if isinstance(event, SessionAnswered) and not given_up:
            given_up = True
            alice.client.leave(now=now)
        return original(event, now=now)

    alice.client.handle_event = handle_event  # type: ignore[method-assign]
    site.net.run()
    assert given_up
    assert alice.node.last(JoinFailed).command == command
    assert alice.node.of(Left) == alice.node.of(Joined) == []
    assert alice.client.state is ClientState.OUT
    quiet(site, alice.node, server.node)
