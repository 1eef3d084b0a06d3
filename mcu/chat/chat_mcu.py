"""The chat MCU: a conferencing server that passes messages on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu.chat.in_session import BODIES, ChatInSession
from mcu.chat.messages import Messages
from mcu.conferencing_server import ConferencingServer
from mcu.config import ChatMcuConfig
from mcu.context import Context
from mcu.kind import CHAT
from mcu.legs.termination import Termination
from mcu.policy import DialOutPolicy, DialOutRules
from sip import Entropy

if TYPE_CHECKING:
    from sip import Endpoint


class ChatMcu(ConferencingServer):
    """One chat MCU.

    After every call drain the endpoint, ``c3p_to_send()`` and ``take_events()``, and read ``next_timeout()`` again.
    """

    def __init__(
        self, endpoint: Endpoint, config: ChatMcuConfig, *, entropy: Entropy, policy: DialOutPolicy | None = None
    ) -> None:
        self.config = config
        context = Context(endpoint, config, kind=CHAT, entropy=entropy, policy=policy or DialOutRules())
        self._messages = Messages(context, config)
        termination = Termination(context, self._messages)
        in_session = ChatInSession(context, config, self._messages, termination)
        super().__init__(
            context, self._messages, termination, in_session, in_session, methods=("MESSAGE",), accept=BODIES
        )

    @property
    def sizes(self) -> dict[str, int]:
        """How much is kept at the moment, as `sip.Endpoint.sizes`."""
        return {**super().sizes, "messages": self._messages.waiting}
