"""What an A/V MCU offers and answers: the session descriptions of its legs."""

from __future__ import annotations

import attrs

from c3p import ErrorId
from mcu.config import SDP, McuConfig
from mcu.context import Context
from mcu.diagnostics import refusal_headers
from mcu.leg import Leg
from mcu.media_peers import MediaPeers
from mcu.media_policy import MediaTarget, MediaTerms
from mcu.medium import Unusable
from rtp import (
    Agreement,
    Capabilities,
    Encryption,
    NegotiationError,
    OfferAnswerSession,
    RemoteRtpError,
    SessionDescription,
)
from sip import Response, body_of


class AudioDescriptions:
    """Makes and reads them, by the policy on encryption."""

    def __init__(self, context: Context, config: McuConfig, peers: MediaPeers | None) -> None:
        """``peers`` where all legs share one pair of ports."""
        self._context, self._config, self._peers = context, config, peers

    def terms(self, target: MediaTarget) -> MediaTerms:
        """How media go to and from an address."""
        return self._config.media_policy.terms(target)

    def offer(self, leg: Leg) -> bytes:
        """The form of our offer that is next, with keys of its own: those before are known where it was refused."""
        assert leg.attempt is not None
        form = leg.attempt.forms[0]
        if leg.negotiation is None:
            leg.negotiation = self._session(leg, form)
        else:
            leg.negotiation.roll_back()
            leg.negotiation.capabilities = self._capabilities(form)
        return bytes(leg.negotiation.make_offer())

    def receive_answer(self, leg: Leg, response: Response) -> Unusable | None:
        """The answer in a 2xx, or in a provisional answer before it; ErrorId and words for why it cannot be used."""
        assert leg.negotiation is not None
        body = body_of(response, SDP) or leg.early_answers.get(response.to.tag, b"")
        if not body:
            return Unusable(ErrorId.ONLY_SDP_SUPPORTED, "the answer has no SDP")
        try:
            description = SessionDescription.parse(body)
        except RemoteRtpError as error:
            return Unusable(ErrorId.SDP_DOES_NOT_PARSE, str(error))
        try:
            leg.negotiation.receive_answer(description)
        except NegotiationError as error:
            return Unusable(ErrorId.SDP_ATTRIBUTE_INVALID, str(error))
        return None

    def answer(self, leg: Leg) -> bytes | Unusable:
        """The answer to a call, or our offer where it has none."""
        level = leg.terms.accepts
        if not leg.offer:  # so that we offer, in the 2xx
            forms = leg.terms.forms(signalling_encrypted=leg.signalling_encrypted)
            if not forms:
                return self._unusable("SRTP is required, and the signalling is not encrypted")
            level = forms[0]
        negotiation = self._session(leg, level)
        try:
            body = self._description(leg, negotiation)
        except RemoteRtpError as error:
            return self._unusable(str(error), error)
        if leg.offer and (negotiation.agreement is None or negotiation.agreement.audio is None):
            return self._unusable("no audio is offered")
        leg.negotiation = negotiation
        return body

    def confirm(self, leg: Leg, body: bytes) -> Unusable | None:
        """The ACK, with the answer when the offer was ours."""
        assert leg.negotiation is not None
        if leg.offer:
            return None
        try:
            leg.negotiation.receive_answer(SessionDescription.parse(body))
        except RemoteRtpError as error:
            return Unusable(ErrorId.SDP_DOES_NOT_PARSE, str(error))
        return None

    @staticmethod
    def _description(leg: Leg, negotiation: OfferAnswerSession) -> bytes:
        if not leg.offer:
            return bytes(negotiation.make_offer())
        answer, _ = negotiation.receive_offer(SessionDescription.parse(leg.offer))
        return bytes(answer)

    def _unusable(self, text: str, error: Exception | None = None) -> Unusable:
        headers = refusal_headers(error, text, self._context.config)
        return Unusable(ErrorId.SDP_DOES_NOT_PARSE, text, headers)

    def _session(self, leg: Leg, encryption: Encryption) -> OfferAnswerSession:
        assert leg.ports is not None
        return OfferAnswerSession(
            self._capabilities(encryption),
            address=leg.ports.advertised,
            port=leg.ports.rtp_port,
            rtcp_port=leg.ports.rtcp_port,
            session_id=self._context.entropy.integer(62),
            octets=self._octets,
            check=lambda agreement: self._claim(leg, agreement),
        )

    def _claim(self, leg: Leg, agreement: Agreement) -> None:
        if self._peers is not None:
            self._peers.claim(leg.id, agreement.audio)

    def _capabilities(self, encryption: Encryption) -> Capabilities:
        """What a leg is offered: with keys of its own, since two legs under one key would undo the encryption."""
        return attrs.evolve(self._config.capabilities, encryption=encryption).with_fresh_keys(self._octets)

    def _octets(self, size: int) -> bytes:
        return bytes.fromhex(self._context.entropy.token(size))
