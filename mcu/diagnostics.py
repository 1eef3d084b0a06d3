"""What SIP responses of an MCU say of why: ``ms-diagnostics`` (MS-OCER) and Warning."""

from __future__ import annotations

from c3p import ErrorId
from mcu.config import ConferencingServerConfig
from rtp import EncryptionMismatch
from sip import Warning


def diagnostics(error_id: int, source: str, text: str) -> tuple[str, str]:
    """An ``ms-diagnostics`` header."""
    words = " ".join(text.replace("\\", " ").replace('"', "'").split())
    return "ms-diagnostics", f'{error_id};source="{source}";reason="{words}"'


def refusal_headers(
    error: Exception | None, text: str, config: ConferencingServerConfig
) -> tuple[tuple[str, object], ...]:
    """What a 488 says of why: ``ms-diagnostics``, and a warning where the levels of encryption clash."""
    why = diagnostics(ErrorId.SDP_DOES_NOT_PARSE, config.mcu_id, text)
    if not isinstance(error, EncryptionMismatch):
        return (why,)
    return (why, ("Warning", Warning(error.warning_code, config.sip_contact.host_port, error.reason)))
