"""The Contact of our requests and answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from sip.config import Listen
from sip.flow import Flow
from sip.headers.name_addr import NameAddr
from sip.syntax.uri import Uri
from sip.transport.secure import as_sips

#: User parts that need no escaping; others are left out of a Contact that the endpoint makes up.
_PLAIN_USER: Final = re.compile(r"[A-Za-z0-9._+\-]{1,64}")


def made_contact(flow: Flow, sent_by: str, user: str | None, *, secure: bool) -> str:
    """A Contact that reaches us by the transport of ``flow``; a sips URI where the request wants one."""
    at = f"{user}@" if user and _PLAIN_USER.fullmatch(user) else ""
    if secure:
        return f"<sips:{at}{sent_by}>"
    return f"<sip:{at}{sent_by};transport={flow.transport.lower()}>"


def secured_contact(given: str, listen: Iterable[Listen], sent_by: Callable[[], str]) -> str:
    """A Contact of a core as a sips URI; where it is the address of a listener of ours, that for TLS."""
    contact = NameAddr.parse(given)
    uri = contact.uri
    if uri.scheme != "sip":
        return given
    ours = {(each.public_host or each.host, each.public_port or each.port) for each in listen}
    if (uri.host, uri.port) in ours:
        host, _, port = sent_by().rpartition(":")
        params = {name: value for name, value in uri.params.items() if name != "transport"}
        secured = Uri("sips", host.strip("[]"), uri.user, port=int(port), params=params)
    else:
        secured = as_sips(uri)
    return str(NameAddr(secured, contact.display_name, contact.params))
