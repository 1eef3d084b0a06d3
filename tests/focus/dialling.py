"""Dialling out, and what comes of it."""

from __future__ import annotations

from focus_site import Phone, Site

from c3p import (
    Response,
    parse_document,
)
from focus import (
    CommandId,
)
from sip import Request

PHONE = "sip:phone@example.org"


def dial(site: Site, phone: Phone, user: str = PHONE, **more: object) -> CommandId:
    command = phone.client.add_user(user, now=site.net.now, **more)  # type: ignore[arg-type]
    site.net.run()
    return command


def outcomes(phone: Phone, command: CommandId) -> list[str]:
    """The events of one command, in order."""
    return [type(one).__name__ for one in phone.node.events if getattr(one, "command", None) == command]


def infos_to(site: Site, phone: Phone) -> list[Response]:
    """The C3P responses that the Focus sent in INFO requests to one client."""
    found = []
    for message in site.net.messages("focus"):
        if isinstance(message, Request) and message.method == "INFO" and phone.client.config.aor in str(message.to.uri):
            document = parse_document(message.body)
            assert isinstance(document, Response)
            found.append(document)
    return found
