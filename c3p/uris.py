"""URIs of conferences and MCUs (MS-CONFBAS).

::

    sip:organizer@example.com;gruu;opaque=app:conf:focus:id:CONFID         Conference-URI
    sip:organizer@example.com;gruu;opaque=app:conf:audio-video:id:CONFID   MCU-Conference-URI
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from c3p.errors import C3PError
from c3p.vocabulary import McuType

MAX_URI: Final = 2048  #: characters; far above any real conference URI, keeps the patterns cheap

_AOR: Final = re.compile(r"(?:sips?:)?([^@:;?\s<>\"]+)@([^@;?\s<>\"]+)", re.IGNORECASE)
_CONF_ID: Final = re.compile(r"[A-Za-z0-9]{1,32}", re.ASCII)
_OPAQUE: Final = re.compile(r"app:conf:([a-z-]+)(?::id:([^;?\s]*))?", re.IGNORECASE | re.ASCII)
_MCU_TYPE: Final = re.compile(r"[a-z](?:[a-z-]*[a-z])?", re.ASCII)
#: A page of the routing extensions prints it without the hyphen (MS-CONFBAS).
_SPELLINGS: Final = {"audiovideo": McuType.AUDIO_VIDEO.value}
_FOCUS: Final = "focus"


_PASSWORD: Final = re.compile(r"(sips?:[^\s@:;?/<>\"]{0,64}:)[^\s@;?/<>\"]{1,128}(?=@)", re.IGNORECASE)


def shown(uri: str | None) -> str:
    """A URI for the ``repr`` of what has it: with the password covered (RFC 3261 section 19.1.1)."""
    return repr(uri) if uri is None else repr(_PASSWORD.sub(r"\1***", uri))


def _organizer(aor: str) -> str:
    match = _AOR.fullmatch(aor.strip()) if len(aor) <= MAX_URI else None
    if match is None:
        raise C3PError(f"not the address of an organizer: {aor[:200]!r}")
    return f"{match[1]}@{match[2]}"


def focus_uri(organizer_aor: str, conf_id: str) -> str:
    """Conference-URI of the conference ``conf_id`` of an organizer.

    Raises C3PError when the address is not ``user@domain`` or the id not 1 to 32 ASCII letters and digits.
    """
    if not _CONF_ID.fullmatch(conf_id):
        raise C3PError(f"not a conference id: {conf_id[:200]!r}")
    return f"sip:{_organizer(organizer_aor)};gruu;opaque=app:conf:focus:id:{conf_id}"


def focus_factory_uri(organizer_aor: str) -> str:
    """Focus Factory URI of an organizer. Raises C3PError when the address is not ``user@domain``."""
    return f"sip:{_organizer(organizer_aor)};gruu;opaque=app:conf:focusfactory"


def _opaque(uri: str) -> re.Match[str] | None:
    """The value of ``opaque`` when it is one of a conference; its span is in ``uri``."""
    if len(uri) > MAX_URI:
        return None
    start = uri.find(";")
    end = uri.find("?")
    end = len(uri) if end < 0 else end
    while 0 <= start < end:
        stop = uri.find(";", start + 1)
        stop = end if stop < 0 or stop > end else stop
        name, equals, _ = uri[start + 1 : stop].partition("=")
        if equals and name.strip().lower() == "opaque":
            return _OPAQUE.fullmatch(uri, start + 2 + len(name), stop)
        start = stop
    return None


def mcu_uri(focus_uri: str, mcu_type: str) -> str:
    """MCU-Conference-URI of a conference: ``focus`` of the opaque parameter replaced by the MCU type.

    Raises C3PError when ``focus_uri`` is not a Conference-URI or the type is not a word of letters and hyphens.
    """
    match = _opaque(focus_uri)
    if match is None or match[1].lower() != _FOCUS or match[2] is None:
        raise C3PError(f"not a conference URI: {focus_uri[:200]!r}")
    if not _MCU_TYPE.fullmatch(mcu_type):
        raise C3PError(f"not an MCU type: {mcu_type[:200]!r}")
    return f"{focus_uri[: match.start(1)]}{_SPELLINGS.get(mcu_type, mcu_type)}{focus_uri[match.end(1) :]}"


def focus_uri_of(mcu_uri: str) -> str:
    """Conference-URI that an MCU-Conference-URI belongs to. Raises C3PError when it is neither."""
    match = _opaque(mcu_uri)
    if match is None or match[2] is None:
        raise C3PError(f"not a URI of a conference: {mcu_uri[:200]!r}")
    return f"{mcu_uri[: match.start(1)]}{_FOCUS}{mcu_uri[match.end(1) :]}"


def mcu_type_of(uri: str) -> str | None:
    """MCU type of an MCU-Conference-URI, in lower case; None for a Conference-URI and for any other URI."""
    match = _opaque(uri)
    if match is None or match[2] is None:
        return None
    kind = match[1].lower()
    return None if kind == _FOCUS else _SPELLINGS.get(kind, kind)


def conf_id_of(uri: str) -> str | None:
    """Conference id of a Conference-URI or MCU-Conference-URI as written there; None for any other URI."""
    match = _opaque(uri)
    return match[2] if match is not None and match[2] else None


def is_focus_uri(uri: str) -> bool:
    """Whether this is a Conference-URI."""
    match = _opaque(uri)
    return match is not None and bool(match[2]) and match[1].lower() == _FOCUS


def conference_key(uri: str) -> str:
    """What spellings of one conference's URI have in common: organizer and id, in lower case (MS-CONFBAS).

    Other parameters, and their order, do not count; of what is no URI of a conference, the whole text does. An
    MCU-Conference-URI has the key of its conference.
    """
    match = _opaque(uri)
    if match is None or not match[2]:
        return uri.strip().lower()
    organizer = uri.partition(";")[0].strip().lower()
    return f"{organizer.removeprefix('sips:').removeprefix('sip:')};{match[2].lower()}"


def parse_join_link(text: str) -> str:
    """Conference-URI inside a link that people see: ``conf:`` or ``meet:`` in front, ``?conversation-id=...`` behind.

    Raises C3PError when there is no Conference-URI in it.
    """
    if len(text) > MAX_URI:
        raise C3PError("the link is too long")
    link = text.strip().strip("<>")
    for prefix in ("conf:", "meet:"):
        if link.lower().startswith(prefix):
            link = link[len(prefix) :]
            break
    uri = unquote(link).partition("?")[0]
    if not is_focus_uri(uri):
        raise C3PError(f"no conference URI in {text[:200]!r}")
    return uri
