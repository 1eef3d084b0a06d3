"""Secrets are covered before a trace record is kept.

Covered in place: the length stays, so that Content-Length, ladders and captures stay true, and so does the grammar, so
that other programs still read the message. What is base64 becomes ``AAAA``, what is a hash becomes ``0000``, all other
text ``****``, which is legal in tokens, quoted strings, URIs and XML.

Covered are credentials of ``Authorization`` and ``Proxy-Authorization`` (RFC 9110 section 11.6.2, RFC 3261 section
22), passwords in URIs (RFC 3261 section 19.1.1, RFC 3986 section 3.2.1), SRTP keys of ``a=crypto`` (RFC 4568 section
6.1) and ``a=key-mgmt`` (RFC 4567 section 3), ``k=`` lines (RFC 4566 section 5.12), ICE passwords (RFC 8839 section
5.4), and the passcodes and tokens of C3P documents and links.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

Cover = Callable[[bytes], bytes]
Hint = Callable[[bytes], object]

_VISIBLE: Final = re.compile(rb"[^\s]")
_BASE64: Final = re.compile(rb"[^\s=]")
_HEX: Final = re.compile(rb"[0-9A-Fa-f]+")


def _text(secret: bytes) -> bytes:
    return _VISIBLE.sub(b"*", secret)


def _base64(secret: bytes) -> bytes:
    """Zeros in base64, with their padding; token68 of RFC 9110 as well."""
    return _BASE64.sub(b"A", secret)


def _value(secret: bytes) -> bytes:
    """The value of a parameter whose form depends on the scheme: a hash, base64, or any text."""
    if _HEX.fullmatch(secret):
        return b"0" * len(secret)
    return _base64(secret) if re.fullmatch(rb"[\w+/=.~-]*", secret, re.ASCII) else _text(secret)


_HEADER: Final = re.compile(
    rb"(?im)^([ \t]*(?:(?:proxy-)?authorization|authentication-info|proxy-authentication-info))"
    rb"([ \t]*:[ \t]*)([^\r\n]*(?:(?:\r?\n|\r)[ \t]+[^\r\n]+)*)"
)
_SCHEME: Final = re.compile(rb"([A-Za-z][\w-]*)([ \t]+)")
#: One parameter: its name, what stands between, and a quoted string without its quotes, or a token.
_PARAMETER: Final = re.compile(rb'(?<![\w-])([\w-]+)([ \t\r\n]*=[ \t\r\n]*)(?:(")((?:[^"\\]|\\.)*)|([^\s",]+))')
#: Of Digest, those from which the password could be guessed off-line.
_DIGEST_SECRETS: Final = frozenset({b"response", b"rspauth", b"cnonce", b"nextnonce"})
#: The same where there is no parameter, but something like it.
_DIGEST_STRAY: Final = re.compile(
    rb"(?i)\b((?:response|rspauth|cnonce|nextnonce)\b(?:\s*[:=]+\s*|\s+)[\"']*)([^\s\"',]+)"
)
#: Of other schemes (NTLM, Kerberos, TLS-DSK), those that say nothing; the rest is covered.
_HARMLESS: Final = frozenset({b"realm", b"qop", b"version", b"targetname", b"algorithm", b"username", b"uri", b"nc"})

_ELEMENT: Final = (
    rb"(?:[\w.-]{1,40}:)?(?:[\w-]{0,40}(?:passcode|password|auth-token|conference-key|send-digits)|pin)(?:\s[^<>]*)?"
)
_ATTRIBUTE: Final = rb"(?im)(^[ \t]*a[ \t]*=[ \t]*"
_NAMED: Final = rb"(?i)(\b(?:passcode|password|pin)\s*=\s*"


#: Nearly every message has none of these, and looking for a word is much cheaper than for a pattern.
_WORDS: Final = (
    *(b"authorization", b"authentication-info", b"crypto", b"inline", b"key-mgmt", b"base64", b"ice-pwd", b"conf-key="),
    *(b"passcode", b"password", b"pin", b"auth-token", b"conference-key", b"sauthid", b"send-digits"),
)
_KEY_LINE: Final = re.compile(rb"\n[ \t]*k")
_WITH_PASSWORD: Final = re.compile(rb":(?://)?[^\s@:;?/<>\"]{0,64}:[^\s@;?/<>\"]{1,128}@").search


def _with_key_line(lowered: bytes) -> object:
    """Whether a line begins with k. The pattern begins with one byte, which is looked for far quicker than with two."""
    return _KEY_LINE.search(b"\n" + lowered)


def _has_word(lowered: bytes) -> bool:
    for word in _WORDS:  # noqa: SIM110 - a generator costs twice as much, and this is done for every message
        if word in lowered:
            return True
    return False


def _with(*words: bytes) -> Hint:
    """One of these, in lower case, is in every text that has such a secret."""
    assert set(words) <= set(_WORDS)
    return lambda lowered: any(word in lowered for word in words)


_WITH_CODE: Final = _with(b"passcode", b"password", b"pin", b"auth-token", b"conference-key", b"send-digits")

#: One secret each: what every text with it has, in lower case; of the pattern the first group stays, the second is
#: covered.
_SECRETS: Final[tuple[tuple[Hint, re.Pattern[bytes], Cover], ...]] = tuple(
    (hint, re.compile(pattern), cover)
    for hint, pattern, cover in (
        (_with(b"inline"), rb"(?i)(\binline[ \t]*:[ \t]*)([^|;\s]+)", _base64),
        (
            _with(b"key-mgmt"),
            _ATTRIBUTE + rb"key-mgmt[ \t]*:?[ \t]*(?:[\w-]+[ \t:]+(?=[^\s]))?)([^\r\n]+)",
            _base64,
        ),
        (_with(b"base64"), rb"(?im)(^[ \t]*k[ \t]*=[ \t]*base64[ \t]*:)([^\r\n]+)", _base64),
        (
            _with_key_line,
            rb"(?im)(^[ \t]*k[ \t]*=[ \t]*(?:(?:clear|uri)[ \t]*:)?)"
            rb"(?![ \t]*(?:base64[ \t]*:|prompt[ \t]*\r?$))([^\r\n]+)",
            _text,
        ),
        (_with(b"ice-pwd"), _ATTRIBUTE + rb"ice-pwd[ \t]*:?[ \t]*)([^\r\n]+)", _base64),
        (
            _WITH_PASSWORD,
            rb"(?i)(\b(?:sips?:|https?://)[^\s@:;?/<>\"]{0,64}:)([^\s@;?/<>\"]{1,128})(?=@)",
            _text,
        ),
        (_with(b"conf-key="), rb"(?i)(\bconf-key=)([^&;\s\"'<>]+)", _text),
        (_WITH_CODE, rb"(?i)(<" + _ELEMENT + rb">)([^<]+)", _text),
        (_WITH_CODE, rb"(?i)(<" + _ELEMENT + rb">\s*<!\[CDATA\[)((?:[^\]]|\](?!\]>))+)", _text),
        (_WITH_CODE, _NAMED + rb"\")([^\"<>\r\n]+)", _text),
        (_WITH_CODE, _NAMED + rb"')([^'<>\r\n]+)", _text),
        (
            _with(b"sauthid"),
            rb"(?i)(<(?:[\w.-]{1,40}:)?key>\s*sAuthId\s*</[\w.:-]{1,48}>\s*<(?:[\w.-]{1,40}:)?value>)([^<]+)",
            _text,
        ),
    )
)

#: A line of keys, and how it is written (RFC 4568 section 9.1). In any other form whatever may be a key is covered.
_CRYPTO: Final = re.compile(rb"(?im)^([ \t]*a[ \t]*=[ \t]*crypto\b[ \t]*:?[ \t]*(?:[0-9]{1,9}\b)?)([^\r\n]*)")
_CRYPTO_IN_FORM: Final = re.compile(
    rb"(?i)[ \t]+[\w-]+(?:(?:[ \t]+|;)inline:[^|;\s]+(?:\|[0-9^:]+)*)+(?:[ \t]+[A-Z][\w=-]*)*[ \t]*"
)
_CRYPTO_WORD: Final = re.compile(
    rb"(?i)(?:\b(?:AES|AEAD|F8|ARIA|SEED)_[A-Z0-9_]{1,40}(?=[ \t])|\binline\b)|([^\s|;:]+)"
)

#: Documents in UTF-16 begin so.
_WIDE: Final = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))

#: Layers whose bytes are text with secrets in it; media packets are left alone.
TEXT_LAYERS: Final = frozenset({"sip", "http"})


def mask(layer: str, data: bytes) -> bytes:
    """The same bytes with every secret covered, of the same length."""
    if layer not in TEXT_LAYERS:
        return data
    head, blank, body = data.partition(b"\r\n\r\n")
    for mark, encoding in _WIDE:
        if body.startswith(mark):
            return _masked(head + blank) + mark + _masked_wide(body[2:], encoding)
    return _masked(data)


def mask_text(text: str) -> str:
    """A text for people with every secret covered, of the same length where it is ASCII."""
    return _masked(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")


def _masked(data: bytes) -> bytes:
    lowered = data.lower()
    if not (_has_word(lowered) or _with_key_line(lowered) or _WITH_PASSWORD(lowered)):
        return data
    if b"authorization" in lowered or b"authentication-info" in lowered:
        data = _HEADER.sub(_mask_credentials, data)
    if b"crypto" in lowered:
        data = _CRYPTO.sub(_mask_crypto, data)
    for hint, pattern, cover in _SECRETS:
        if not hint(lowered):
            continue
        data = pattern.sub(lambda match, cover=cover: match[1] + cover(match[2]), data)  # type: ignore[misc]
    return data


def _masked_wide(body: bytes, encoding: str) -> bytes:
    """A body with two octets to a character: looked at as one each, for the markup around secrets is ASCII."""
    here = 0 if encoding.endswith("le") else 1
    whole = len(body) & ~1
    octets = zip(body[here:whole:2], body[1 - here : whole : 2], strict=True)
    narrow = bytes(low if high == 0 else 0x7F for low, high in octets)
    covered = _masked(narrow)
    pairs = (
        body[2 * n : 2 * n + 2] if new == old else chr(new).encode(encoding)
        for n, (old, new) in enumerate(zip(narrow, covered, strict=True))
    )
    return b"".join(pairs) + body[whole:]


def _mask_crypto(match: re.Match[bytes]) -> bytes:
    if _CRYPTO_IN_FORM.fullmatch(match[2]):
        return match[0]  # the keys in it are found by their name
    return match[1] + _CRYPTO_WORD.sub(lambda word: word[0] if word[1] is None else _base64(word[1]), match[2])


def _mask_credentials(match: re.Match[bytes]) -> bytes:
    name, colon, value = match[1], match[2], match[3]
    scheme = _SCHEME.match(value)
    if b"info" in name.lower() or (scheme and scheme[1].lower() == b"digest"):
        covered = _PARAMETER.sub(_mask_digest, value)
        return name + colon + _DIGEST_STRAY.sub(lambda stray: stray[1] + _value(stray[2]), covered)
    if scheme is None:
        return name + colon + _base64(value)
    rest = value[scheme.end() :]
    first = _PARAMETER.match(rest)  # else token68: its only "=" are at the end
    if first is None or (first[5] is not None and not first[5].strip(b"=")):
        return name + colon + scheme[0] + _base64(rest)
    return name + colon + scheme[0] + _PARAMETER.sub(_mask_unless_harmless, rest)


def _mask_digest(match: re.Match[bytes]) -> bytes:
    return _covered(match) if match[1].lower() in _DIGEST_SECRETS else match[0]


def _mask_unless_harmless(match: re.Match[bytes]) -> bytes:
    return match[0] if match[1].lower() in _HARMLESS else _covered(match)


def _covered(match: re.Match[bytes]) -> bytes:
    return match[1] + match[2] + (match[3] or b"") + _value(match[5] if match[4] is None else match[4])
