"""A Focus in a hundred lines: people join, see who is there, and leave.

It has no MCU, so nobody is called. Three mistakes are planted in it on purpose: the
tutorial on conformance finds them.
"""

from __future__ import annotations

import attrs

import c3p
import sip

DOCUMENT = "application/conference-info+xml"


@attrs.define
class Watcher:
    """Somebody who follows the conference."""

    user: str
    version: int = 0


class SmallFocus(sip.BaseCore):
    """One conference after the other, each under the URI that people join."""

    def __init__(self, endpoint: sip.Endpoint) -> None:
        super().__init__("small focus")
        self.endpoint = endpoint
        self.uri = ""
        self.present: dict[sip.SessionId, c3p.User] = {}
        self.watchers: dict[sip.SubscriptionId, Watcher] = {}
        endpoint.add_core(
            self.owner,
            lambda request, flow: "app:conf:focus" in str(request.uri),
            claim=sip.Claim.CONFERENCE,
            methods=("INVITE", "INFO", "SUBSCRIBE"),
            events=("conference",),
        )

    def handle_event(self, event: sip.Event, *, now: float) -> list[sip.Event]:
        match event:
            case sip.InviteReceived():
                self.join(event, now)
            case sip.SubscribeReceived():
                self.subscribe(event, now)
            case sip.RequestReceived(session=session) if (
                session in self.present and event.transaction is not None
            ):
                self.command(event, self.present[session], now)
            case sip.SessionEnded(session=session) if session in self.present:
                self.leave(session, now)
            case sip.SubscriptionEnded():
                self.watchers.pop(event.subscription, None)
        return self.take_events()

    # Coming and going

    def join(self, event: sip.InviteReceived, now: float) -> None:
        request = c3p.parse_document(sip.body_of(event.request, c3p.CCCP_TYPE) or b"")
        assert isinstance(request, c3p.Request)
        assert isinstance(request.command, c3p.AddUser)
        self.uri = str(event.request.uri)
        role = (
            c3p.Role.PRESENTER
            if f"sip:{event.request.uri.user}@" in request.from_
            else c3p.Role.ATTENDEE
        )
        asked = request.command.user
        endpoints = tuple(
            attrs.evolve(
                each,
                state=c3p.State.FULL,
                status="connected",
                session_type=c3p.SessionType.FOCUS,
            )
            for each in asked.endpoints
        )
        user = c3p.User(
            entity=request.from_,
            state=c3p.State.FULL,
            roles=(role,),
            endpoints=endpoints,
        )
        answer = attrs.evolve(request.command, user=attrs.evolve(asked, roles=(role,)))
        body = bytes(request.respond(c3p.Code.SUCCESS, command=answer))
        self.endpoint.accept(
            event.session, body=body, content_type=c3p.CCCP_TYPE, now=now
        )
        self.present[event.session] = user
        self.publish((user,), now)

    def leave(self, session: sip.SessionId, now: float) -> None:
        del self.present[session]  # (1) and who watches is told nothing of it

    # Who watches

    def subscribe(self, event: sip.SubscribeReceived, now: float) -> None:
        if event.expires == 0:
            self.endpoint.accept_subscription(event.subscription, expires=0, now=now)
            return
        watcher = self.watchers.setdefault(
            event.subscription, Watcher(str(event.request.from_.uri))
        )
        self.endpoint.accept_subscription(event.subscription, now=now)
        everybody = tuple(self.present.values())
        self.tell(event.subscription, watcher, c3p.State.FULL, everybody, now)

    def publish(self, users: tuple[c3p.User, ...], now: float) -> None:
        for subscription, watcher in self.watchers.items():
            self.tell(subscription, watcher, c3p.State.PARTIAL, users, now)

    def tell(
        self,
        subscription: sip.SubscriptionId,
        watcher: Watcher,
        state: c3p.State,
        users: tuple[c3p.User, ...],
        now: float,
    ) -> None:
        watcher.version += len(self.watchers)  # (2) counted for all watchers together
        document = self.document(state, users, watcher.version)
        self.endpoint.notify(
            subscription, body=bytes(document), content_type=DOCUMENT, now=now
        )

    def document(
        self, state: c3p.State, users: tuple[c3p.User, ...], version: int
    ) -> c3p.ConferenceInfo:
        return c3p.ConferenceInfo(
            entity=self.uri,
            state=state,
            version=version,
            users=c3p.Users(state=state, users=users),
        )

    # Commands

    def command(self, event: sip.RequestReceived, user: c3p.User, now: float) -> None:
        assert event.transaction is not None
        request = c3p.parse_document(event.request.body)
        assert isinstance(request, c3p.Request)
        ends = isinstance(
            request.command, c3p.DeleteConference
        )  # (3) whoever it is that asks
        if isinstance(request.command, c3p.GetConference):
            whole = self.document(c3p.State.FULL, tuple(self.present.values()), 1)
            answer = request.respond(
                c3p.Code.SUCCESS,
                command=attrs.evolve(request.command, conference_info=whole),
            )
        elif ends:
            answer = request.respond(c3p.Code.SUCCESS)
        else:
            answer = request.respond(c3p.Code.FAILURE, reason=c3p.Reason.NOT_SUPPORTED)
        self.endpoint.respond(
            event.transaction,
            200,
            body=bytes(answer),
            content_type=c3p.CCCP_TYPE,
            now=now,
        )
        if ends:
            self.end(now)

    def end(self, now: float) -> None:
        for session in tuple(self.present):
            del self.present[session]
            self.endpoint.bye(session, now=now)
        for subscription in tuple(self.watchers):
            del self.watchers[subscription]
            self.endpoint.end_subscription(subscription, reason="noresource", now=now)
