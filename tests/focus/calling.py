"""A bare SIP element that joins as it is told to."""

from __future__ import annotations

import attrs
from focus_site import Site

from c3p import (
    AddUser,
    ConferenceKeys,
    Endpoint,
    Response,
    User,
    parse_document,
)
from c3p import Request as Command
from sip import Claim, NameAddr, SessionFailed, SessionId
from sip import Response as SipResponse

GUID = "{9E18DF61-D17F-E63A-19B4-CE30D96806FC}"


class Caller:
    """A bare SIP element that sends what it is told to."""

    def __init__(self, site: Site, name: str = "carol") -> None:
        self.site = site
        self.phone = site.client(name)
        self.aor = f"sip:{name}@example.com"
        self.node = self.phone.node
        self.node.endpoint.add_core(
            "raw",
            lambda request, flow: False,
            claim=Claim.ELEMENT,
            methods=("INVITE", "BYE", "INFO", "NOTIFY", "BENOTIFY"),
        )

    def document(self, conference: str, **changes: object) -> Command:
        endpoint = Endpoint(entity=GUID)
        user = User(entity=self.aor, roles=("attendee",), endpoints=(endpoint,))
        command = AddUser(conference_keys=ConferenceKeys(conf_entity=conference), user=user)
        return attrs.evolve(Command(request_id="0", from_=self.aor, to=conference, command=command), **changes)

    def invite(
        self, conference: str, body: bytes, *, headers: tuple[tuple[str, str], ...] = (), **more: object
    ) -> SessionId:
        settings: dict[str, object] = {"content_type": "application/cccp+xml", "session_expires": 1200, **more}
        session = self.node.endpoint.invite(
            "raw",
            conference,
            from_=NameAddr(self.aor),
            to=NameAddr(conference),
            body=body,
            headers=headers,
            route=self.phone.client.config.route,
            now=self.site.net.now,
            **settings,  # type: ignore[arg-type]
        )
        self.site.net.run()
        return session

    def refusal(self, conference: str, body: bytes, **more: object) -> tuple[int, str | None, Response | None]:
        """Status, ErrorId and C3P body of the refusal of a join."""
        return status_of(self.refused(conference, body, **more))

    def refused(self, conference: str, body: bytes, **more: object) -> SipResponse:
        """The response that refuses a join."""
        self.invite(conference, body, **more)  # type: ignore[arg-type]
        response = self.node.last(SessionFailed).response
        assert response is not None
        return response


def status_of(response: SipResponse) -> tuple[int, str | None, Response | None]:
    diagnostics = response.headers.get("ms-diagnostics")
    body = parse_document(response.body) if response.body else None
    assert body is None or isinstance(body, Response)
    return response.status, diagnostics.partition(";")[0] if diagnostics is not None else None, body


def addressed(command: Command, **changes: object) -> Command:
    """The addUser of a join with another user or another endpoint."""
    add_user = command.command
    assert isinstance(add_user, AddUser)
    return attrs.evolve(command, command=attrs.evolve(add_user, **changes))


def with_endpoint(command: Command, **changes: object) -> Command:
    add_user = command.command
    assert isinstance(add_user, AddUser)
    endpoint = attrs.evolve(add_user.user.endpoints[0], **changes)
    return addressed(command, user=attrs.evolve(add_user.user, endpoints=(endpoint,)))
