"""Offers and answers of one session over its life: whose turn it is, versions, payload type numbers (RFC 3264 8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final

import attrs

from rtp.errors import EncryptionMismatch, LocalProtocolError
from rtp.life import Life
from rtp.sdp.agreement import Agreement, Role, negotiate
from rtp.sdp.capabilities import Capabilities
from rtp.sdp.codec import Codec
from rtp.sdp.direction import Direction
from rtp.sdp.offer_answer import Running, answer, offer
from rtp.sdp.session_description import SessionDescription


class OfferState(Enum):
    """Whether an offer is open, and whose."""

    __hash__ = object.__hash__

    STABLE = "stable"
    LOCAL_OFFER = "local offer"


class OfferInput(Enum):
    __hash__ = object.__hash__

    SEND_OFFER = "send offer"
    RECEIVE_ANSWER = "receive answer"
    RECEIVE_OFFER = "receive offer"
    ROLL_BACK = "roll back"  #: our offer was refused, or the request that carried it failed


#: New keys of ours in one call. Who moves more often than that keeps the last one: a stream counts with how many keys
#: it has sent, since it must not use one twice (``rtp.srtp.keys``).
_MAX_REKEYS: Final = 16
#: An offer of the peer is answered in the same step, so it needs no state of its own.
TRANSITIONS: Final[Mapping[tuple[OfferState, OfferInput], OfferState]] = {
    (OfferState.STABLE, OfferInput.SEND_OFFER): OfferState.LOCAL_OFFER,
    (OfferState.STABLE, OfferInput.RECEIVE_OFFER): OfferState.STABLE,
    (OfferState.LOCAL_OFFER, OfferInput.RECEIVE_ANSWER): OfferState.STABLE,
    (OfferState.LOCAL_OFFER, OfferInput.ROLL_BACK): OfferState.STABLE,
}


#: Where to and under which suite a key of ours is used.
_KeyUse = tuple[tuple[str, int] | None, str]


def _use_of_key(agreement: Agreement, before: _KeyUse | None) -> _KeyUse | None:
    """What our key is used for; None without one. Who is on hold by the unspecified address is where he was."""
    audio = agreement.audio
    if audio is None or audio.local_crypto is None:
        return None
    return (audio.remote_rtp or (before and before[0]), audio.local_crypto.suite)


class OfferAnswerSession:
    """Keeps both descriptions of one call.

    Commands in the wrong state raise LocalProtocolError; a bad description of the peer raises a RemoteProtocolError
    with a ``status_hint``. Either way the session stays as it was.
    """

    def __init__(
        self,
        capabilities: Capabilities,
        *,
        address: str,
        port: int,
        rtcp_port: int | None = None,
        session_id: int = 0,
        session_version: int = 1,
        octets: Callable[[int], bytes] | None = None,
        check: Callable[[Agreement], None] | None = None,
    ) -> None:
        """``octets`` gives so many random ones, for new keys in a running call (see ``_with_new_keys``).

        ``check`` is asked about each agreement before it holds; it raises a RemoteProtocolError for one that shall not.
        """
        self._octets, self._check = octets, check
        self._key_used: _KeyUse | None = None
        self._rekeyed = 0
        self.capabilities = capabilities
        self._life = Life(TRANSITIONS, OfferState.STABLE)
        self.local: SessionDescription | None = None  #: our last agreed description
        self.remote: SessionDescription | None = None  #: the peer's last agreed description
        self.agreement: Agreement | None = None
        self.direction = capabilities.direction  #: what we want; the agreement says what both want
        self._direction_before = capabilities.direction  # the offer that is open
        self._address, self._port, self._rtcp_port = address, port, rtcp_port
        self._session_id, self._session_version = session_id, session_version
        self._pending: SessionDescription | None = None
        self._running: Running | None = None  #: kept while the audio is switched off, too

    @property
    def state(self) -> OfferState:
        """Whether an offer is open, and whose."""
        return self._life.state

    def make_offer(self, *, direction: Direction | None = None) -> SessionDescription:
        """An offer, or a new one in a running session; ``direction`` changes what we want from here on."""
        self._life.check(OfferInput.SEND_OFFER)
        wish = direction or self.direction
        made = offer(
            self._numbered_as_agreed(),
            self._address,
            self._port,
            rtcp_port=self._rtcp_port,
            session_id=self._session_id,
            session_version=self._session_version,
            direction=wish,
            previous=self.local,
            running=self._running,
        )
        self._life.command(OfferInput.SEND_OFFER)
        self._direction_before, self.direction, self._pending = self.direction, wish, made
        return made

    def repeat_offer(self) -> SessionDescription:
        """Offer our last description once more, unchanged, to see whether the peer is there (RFC 4028 section 7.4).

        Raises LocalProtocolError when there is none yet.
        """
        self._life.check(OfferInput.SEND_OFFER)
        if self.local is None:
            raise LocalProtocolError("there is no description that could be repeated")
        self._life.command(OfferInput.SEND_OFFER)
        self._direction_before, self._pending = self.direction, self.local
        return self.local

    def receive_answer(self, description: SessionDescription) -> Agreement:
        """The answer to our offer."""
        self._life.check(OfferInput.RECEIVE_ANSWER)
        assert self._pending is not None
        agreement = self._checked(negotiate(self._pending, description, Role.OFFERER))
        self._life.command(OfferInput.RECEIVE_ANSWER)
        self._settle(self._pending, description, agreement)
        return agreement

    def receive_offer(
        self, description: SessionDescription, *, direction: Direction | None = None
    ) -> tuple[SessionDescription, Agreement]:
        """An offer of the peer: our answer and what both amount to."""
        self._life.check(OfferInput.RECEIVE_OFFER)
        wish, own = direction or self.direction, self.capabilities
        made, agreement = self._answer(description, own, wish)
        if self._wants_new_keys(agreement):
            own = self._with_new_keys()
            made, agreement = self._answer(description, own, wish)
        self._life.command(OfferInput.RECEIVE_OFFER)
        self.capabilities = own
        self.direction = wish
        self._settle(made, description, agreement)
        return made, agreement

    def _answer(
        self, description: SessionDescription, own: Capabilities, wish: Direction
    ) -> tuple[SessionDescription, Agreement]:
        made = answer(
            description,
            own,
            self._address,
            self._port,
            rtcp_port=self._rtcp_port,
            session_id=self._session_id,
            session_version=self._session_version,
            direction=wish,
            previous=self.local,
            running=self._running,
        )
        return made, self._checked(negotiate(description, made, Role.ANSWERER))

    def _wants_new_keys(self, agreement: Agreement) -> bool:
        """A key of ours stays while the peer's address, port and suite stay (RFC 4568 section 7.1.4). Who is at another
        address cannot know how often our sequence numbers have wrapped; a new key begins to count anew."""
        used = _use_of_key(agreement, self._key_used)
        changed = self._key_used is not None and used is not None and used != self._key_used
        return changed and self._octets is not None and self._rekeyed < _MAX_REKEYS

    def _with_new_keys(self) -> Capabilities:
        assert self._octets is not None
        self._rekeyed += 1
        return self.capabilities.with_fresh_keys(self._octets)

    def roll_back(self) -> None:
        """Our offer was refused: the session goes on as before it (RFC 3264 section 8)."""
        self._life.command(OfferInput.ROLL_BACK)
        self.direction, self._pending = self._direction_before, None

    def _checked(self, agreement: Agreement) -> Agreement:
        self._same_level(agreement)
        if self._check is not None:
            self._check(agreement)
        return agreement

    def _same_level(self, agreement: Agreement) -> None:
        """A call stays encrypted or plain: whoever would change this is refused, as ``a=encryption`` demands."""
        before, after = self._running, agreement.audio
        if before is not None and after is not None and before.secure != after.secure:
            raise EncryptionMismatch("encryption cannot be switched on or off in a running call")

    def _settle(self, local: SessionDescription, remote: SessionDescription, agreement: Agreement) -> None:
        self.local, self.remote, self.agreement = local, remote, agreement
        self._pending = None
        self._key_used = _use_of_key(agreement, self._key_used) or self._key_used
        if agreement.audio is not None:
            stated = remote.has("encryption") or remote.media[agreement.audio.index].has("encryption")
            self._running = Running(None if stated else agreement.audio.proto, agreement.audio.secure)

    def _numbered_as_agreed(self) -> Capabilities:
        """Our formats under the numbers in use, since a number must keep its meaning (RFC 3264 section 8.3.2)."""
        used = self._used_numbers()
        by_key = {codec.key: number for number, codec in used.items()}

        def numbered(codec: Codec) -> Codec | None:
            number = by_key.get(codec.key, codec.payload_type)
            taken = number in used and used[number].key != codec.key
            return None if taken else attrs.evolve(codec, payload_type=number)

        own = self.capabilities
        renumbered = [numbered(codec) for codec in own.codecs]
        return attrs.evolve(
            own,
            codecs=tuple(codec for codec in renumbered if codec is not None),
            comfort_noise=numbered(own.comfort_noise) if own.comfort_noise else None,
            telephone_event=numbered(own.telephone_event) if own.telephone_event else None,
        )

    def _used_numbers(self) -> dict[int, Codec]:
        if self.local is None:
            return {}
        return {codec.payload_type: codec for media in self.local.media for codec in media.codecs}
