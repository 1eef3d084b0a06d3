"""Session descriptions of chat: one line without media, since messages run in the dialog itself (MS-CONFIM).

::

    m=message 5060 sip null
    a=accept-types:text/plain text/html text/rtf ...

Clients of one generation write ``x-ms-message`` in place of ``message``. Port, address and ``null`` mean nothing.
Descriptions of MSRP (RFC 4975), which have another protocol in their line, are not for us.
"""

from __future__ import annotations

from typing import Final

import attrs

from c3p import ErrorId
from mcu.chat.formats import OFFERED, AcceptTypes
from mcu.config import SDP, ConferencingServerConfig
from mcu.context import Context
from mcu.diagnostics import diagnostics
from mcu.events import LegId
from mcu.leg import Leg
from mcu.media_policy import MediaTarget, MediaTerms
from mcu.medium import Unusable
from rtp import Attribute, Connection, MediaDescription, Origin, RtpError, SessionDescription
from sip import Response, body_of

_KINDS: Final = ("message", "x-ms-message")
_PROTO: Final = "sip"
_DEFAULT_PORT: Final = 5060


def message_line(description: SessionDescription) -> MediaDescription | None:
    """The line that offers messages by SIP; None when there is none, or it is switched off."""
    for media in description.media:
        if media.kind.lower() in _KINDS and media.proto.lower() == _PROTO and not media.rejected:
            return media
    return None


class ChatDescriptions:
    """Makes and reads them. ``accepts`` has what each far end takes, from its description on."""

    def __init__(self, context: Context, config: ConferencingServerConfig) -> None:
        self._context, self._config = context, config
        self.accepts: dict[LegId, AcceptTypes] = {}

    def terms(self, target: MediaTarget) -> MediaTerms:
        """There are no media to be encrypted."""
        return MediaTerms()

    def offer(self, leg: Leg) -> bytes:
        """That messages can be had."""
        return bytes(self._description((self._line(_KINDS[0]),)))

    def receive_answer(self, leg: Leg, response: Response) -> Unusable | None:
        """What the far end takes, by its 2xx."""
        return self.read(leg, body_of(response, SDP) or leg.early_answers.get(response.to.tag, b""))

    def answer(self, leg: Leg) -> bytes | Unusable:
        """The answer to the offer of an INVITE, or our own offer."""
        return self.reply(leg, leg.offer)

    def reply(self, leg: Leg, offer: bytes) -> bytes | Unusable:
        """The answer to an offer: lines that are not for messages are refused in it (RFC 3264 section 6)."""
        if not offer:
            return self.offer(leg)
        unusable = self.read(leg, offer)
        if unusable is not None:
            return unusable
        description = SessionDescription.parse(offer)
        chosen = message_line(description)
        lines = tuple(
            self._line(media.kind) if media is chosen else attrs.evolve(media, port=0, attributes=())
            for media in description.media
        )
        return bytes(self._description(lines))

    def confirm(self, leg: Leg, body: bytes) -> Unusable | None:
        """The ACK: with what the far end takes, where the offer was ours."""
        return None if leg.offer else self.read(leg, body)

    def read(self, leg: Leg, body: bytes) -> Unusable | None:
        """Note what the far end takes, as its description says."""
        if not body:
            return self._unusable(ErrorId.ONLY_SDP_SUPPORTED, "there is no SDP")
        try:
            line = message_line(SessionDescription.parse(body))
        except RtpError as error:
            return self._unusable(ErrorId.SDP_DOES_NOT_PARSE, str(error))
        if line is None:
            return self._unusable(ErrorId.SDP_ATTRIBUTE_INVALID, "no messages by SIP are offered")
        self.accepts[leg.id] = AcceptTypes.read(line.attributes_named("accept-types"))
        return None

    def _unusable(self, error_id: int, text: str) -> Unusable:
        return Unusable(error_id, text, (diagnostics(error_id, self._config.mcu_id, text),))

    def _line(self, kind: str) -> MediaDescription:
        return MediaDescription(
            kind=kind,
            port=self._config.sip_contact.port or _DEFAULT_PORT,
            proto=_PROTO,
            formats=("null",),
            attributes=(Attribute("accept-types", " ".join(OFFERED)),),
        )

    def _description(self, lines: tuple[MediaDescription, ...]) -> SessionDescription:
        address = self._config.sip_contact.host.strip("[]")
        return SessionDescription(
            origin=Origin(0, 0, address),  # as all clients of this kind write it; each description is a new one
            connection=Connection(address),
            media=lines,
        )
