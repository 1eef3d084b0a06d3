"""A message as it may be shown: without credentials and without its body.

What a capture or a trace needs, the same length and a form that tools can read, is another thing, and not here.
"""

from __future__ import annotations

import re
from typing import Final

from sip.message.message import Message

#: Credentials, and what the digest in the two ``-Info`` headers gives away (RFC 3261 section 22):
#: the name of the header stays, and that of a scheme that is in use; any other first word may be a secret itself.
_CREDENTIALS: Final = re.compile(
    rb"(?im)^((?:proxy-)?authorization[ \t]*:[ \t]*(?:(?:digest|basic|bearer|ntlm|kerberos|negotiate|tls-dsk)[ \t]+)?|"
    rb"(?:proxy-)?authentication-info[ \t]*:[ \t]*)"
    rb"[^\r\n]*(?:\r?\n[ \t]+[^\r\n]+)*"
)

#: Passwords in URIs (RFC 3261 section 19.1.1).
_PASSWORD: Final = re.compile(rb"(?i)(\bsips?:[^\s@:;?/<>\"]{0,64}:)[^\s@;?/<>\"]{1,128}(?=@)")


def masked_head(message: Message) -> bytes:
    """Start line and headers of a message, credentials covered.

    The body is left out: to SIP it is bytes, and which secrets they hold (SRTP keys, passcodes) others know.
    """
    head, separator, _ = bytes(message).partition(b"\r\n\r\n")
    return _PASSWORD.sub(rb"\1***", _CREDENTIALS.sub(rb"\1***", head + separator))
