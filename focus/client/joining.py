"""The INVITE that brings a client into its conference, the first time and again."""

from __future__ import annotations

from typing import Final

from c3p import CCCP_TYPE, AddUser
from focus.client import documents
from focus.client.config import ClientConfig
from focus.client.outgoing import Outgoing
from sip import Endpoint, Entropy, NameAddr, SessionId, SessionRedirected

#: Redirections followed for one join: two servers that point at each other must not keep a client busy.
_MAX_REDIRECTS: Final = 5


class Joining:
    """How a client joins the conference that it is in, or wants to be in."""

    def __init__(self, endpoint: Endpoint, config: ClientConfig, outgoing: Outgoing, entropy: Entropy) -> None:
        self._endpoint, self._config, self._outgoing, self._entropy = endpoint, config, outgoing, entropy
        self._redirects = 0
        self._command: AddUser | None = None
        self.uri = ""  #: Conference-URI

    def begin(self, uri: str, role: str) -> None:
        """It is this conference now."""
        self.uri = uri
        self._command = documents.join(
            uri,
            user=self._config.aor,
            display_name=self._config.display_name,
            role=role,
            endpoint=documents.guid(self._entropy.token(16)),
            lobby_capable=self._config.lobby_capable,
        )

    def invite(self, *, now: float) -> SessionId:
        """Join it. The device has one name in it, so that it takes its own place when it comes back."""
        assert self._command is not None
        self._redirects = 0
        return self._endpoint.invite(
            self._config.owner,
            self.uri,
            from_=self._config.sender,
            to=NameAddr(self.uri),
            body=bytes(self._outgoing.document(self.uri, self._command)),
            content_type=CCCP_TYPE,
            route=self._config.route,
            session_expires=self._config.session_expires,
            now=now,
        )

    def redirected(self, event: SessionRedirected, *, now: float) -> None:
        """It is elsewhere."""
        self._redirects += 1
        if event.targets and self._redirects <= _MAX_REDIRECTS:
            self._endpoint.redirect(event.session, event.targets[0], now=now)
        else:
            self._endpoint.give_up(event.session, now=now)
