"""Which SRTP context a stream uses when its keys change (RFC 4568 sections 6.4 and 7.1.4, RFC 3711 section 9.1).

A context lives as long as its key: a new offer and answer with the same key, under whatever tag, goes on with its
roll-over counters, replay windows and SRTCP index, and so does a key that comes back. A new key begins a new context,
with a roll-over counter of 0.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from rtp.errors import AuthenticationFailed, LocalProtocolError, RemoteProtocolError, ReplayedPacket
from rtp.sdp.sdes import Crypto
from rtp.srtp.context import SrtpContext
from rtp.srtp.steady_keys import SteadyKeys

#: Keys of one direction of one call. A call is keyed again a few times, and comes back to an old key hardly ever.
MAX_KEYS: Final = 32
#: Packets under a new key after which the old one is no longer taken: what was on the way has arrived by then.
OVERLAP: Final = 128


class _Contexts:
    """The contexts of one direction by their keys."""

    def __init__(self) -> None:
        self._by_key: OrderedDict[bytes, tuple[tuple[str, bytes], SrtpContext]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_key)

    def __contains__(self, crypto: Crypto) -> bool:
        return crypto.keys[0].key_and_salt in self._by_key

    def find(self, crypto: Crypto, *, before: SrtpContext | None = None, may_miss_wrap: bool = False) -> SrtpContext:
        """The context of a key, new when the key is. Raises LocalProtocolError for a suite that cannot be used."""
        key, salt = crypto.master()
        inline = crypto.keys[0]
        mki = b"" if inline.mki is None else inline.mki.to_bytes(inline.mki_length, "big")
        use, known = (crypto.suite, mki), self._by_key.get(inline.key_and_salt)
        if known is None:
            context = SrtpContext(crypto.suite, key, salt, mki=mki, before=before, may_miss_wrap=may_miss_wrap)
        elif known[0] == use:
            context = known[1]
        else:  # the same key stream in other packets: none of its indexes may be used again
            context = SrtpContext(crypto.suite, key, salt, mki=mki)
            context.continue_from(known[1])
        self._by_key[inline.key_and_salt] = use, context
        self._by_key.move_to_end(inline.key_and_salt)
        return context

    def forget_oldest(self) -> None:
        self._by_key.popitem(last=False)


class SendingKeys:
    """The contexts that protect what we send."""

    def __init__(self) -> None:
        self._contexts = _Contexts()

    def find(self, crypto: Crypto | None) -> SrtpContext | None:
        """The context of a key of ours, None for none.

        Raises LocalProtocolError for a suite that cannot be used, and for more than MAX_KEYS keys: who forgot one could
        not keep it from being used twice.
        """
        if crypto is None:
            return None
        if len(self._contexts) >= MAX_KEYS and crypto not in self._contexts:
            raise LocalProtocolError(f"more than {MAX_KEYS} keys in one call")
        return self._contexts.find(crypto)


class ReceivingKeys:
    """The contexts that open what the peer sends: that of its key, and for a while that of the key before.

    After a new offer and answer packets under the old key are still on their way (RFC 4568 section 7.1.4).
    """

    def __init__(self) -> None:
        self._contexts = _Contexts()
        self._current: SrtpContext | None = None
        self._previous: SrtpContext | None = None
        self._left = 0  #: packets until the previous one goes

    def use(self, crypto: Crypto | None) -> None:
        """Expect packets under that key from here on, plain ones for None.

        Raises LocalProtocolError, with no change.
        """
        context = None
        if crypto is not None:
            context = self._contexts.find(crypto, before=self._current, may_miss_wrap=True)
        if context is not self._current:
            self._previous, self._current, self._left = self._current, context, OVERLAP
        if len(self._contexts) > MAX_KEYS:
            self._contexts.forget_oldest()

    @property
    def secure(self) -> bool:
        """Whether packets are encrypted."""
        return self._current is not None

    @property
    def overhead(self) -> int:
        """Octets by which an RTP packet under the key in use is longer than the one inside."""
        return 0 if self._current is None else self._current.overhead

    def steady(self, ssrc: int, number: int) -> SteadyKeys | None:
        """What packets of a source are opened with that follow on the one with that sequence number; ``None`` where
        each has to be given to ``unprotect``."""
        context = self._current
        keys = None if context is None or self._previous is not None else context.steady_receiving(ssrc)
        return keys if keys is not None and keys.index & 0xFFFF == number else None

    def resume(self, ssrc: int, packets: int) -> None:
        """So many packets more came and were authentic."""
        if self._current is not None:
            self._current.resume_receiving(ssrc, packets)

    def unprotect(self, packet: bytes, *, rtcp: bool = False) -> bytes:
        """The packet inside. Raises MalformedPacket, ReplayedPacket or AuthenticationFailed."""
        if self._current is None:
            return packet
        if self._previous is None:
            return _opened(self._current, packet, rtcp)
        try:
            clear = _opened(self._current, packet, rtcp)
        except (AuthenticationFailed, ReplayedPacket) as error:
            try:
                return _opened(self._previous, packet, rtcp)
            except ReplayedPacket:
                raise
            except RemoteProtocolError:
                raise error from None
        self._left -= 1
        if self._left <= 0:
            self._previous = None
        return clear


def _opened(context: SrtpContext, packet: bytes, rtcp: bool) -> bytes:
    return context.unprotect_rtcp(packet) if rtcp else context.unprotect(packet)
