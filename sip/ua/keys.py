"""Keys (DTMF) of a call: in the sound where the media can, else by INFO."""

from __future__ import annotations

from typing import Final

from sip.endpoint.endpoint import Endpoint
from sip.errors import LocalProtocolError
from sip.ids import SessionId
from sip.message.bodies import body_of
from sip.message.request import Request
from sip.ua.call_media import CallMedia, KeyMedia

#: A key in a body of INFO, as the gateways that began with it write it.
_INFO_TYPE: Final = "application/dtmf-relay"
_KEYS: Final = frozenset("0123456789*#ABCD")


def press(endpoint: Endpoint, session: SessionId, media: CallMedia | None, digits: str, *, now: float) -> None:
    """Press some. Raises LocalProtocolError for what is no key."""
    if not digits or not set(digits) <= _KEYS:
        raise LocalProtocolError(f"digits must be some of 0-9, *, # and A-D, not {digits!r}")
    if isinstance(media, KeyMedia):
        try:
            media.send_keys(digits)
        except ValueError:
            pass  # the other side takes none in the sound
        else:
            return
    for digit in digits:
        body = f"Signal={digit}\r\nDuration=160\r\n".encode()
        endpoint.request_in_session(session, "INFO", body=body, content_type=_INFO_TYPE, now=now)


def pressed(media: CallMedia | None, request: Request) -> str | None:
    """The key in an INFO, None where there is none. Raises ValueError for one that cannot be read."""
    if not isinstance(media, KeyMedia) or not (body := body_of(request, *media.key_types)):
        return None
    return media.read_key(body)
