"""Content-Type and the media ranges of Accept (RFC 3261 sections 20.15 and 20.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Self

import attrs

from sip.errors import LocalProtocolError, MalformedHeader
from sip.syntax.grammar import TOKEN_CHARS, Report, tolerate
from sip.syntax.params import Params

# RFC 3261 section 25.1; a media range of Accept has the same form, with asterisks:
#   media-type   =  m-type SLASH m-subtype *(SEMI m-parameter)
#   m-parameter  =  m-attribute EQUAL m-value
#   m-value      =  token / quoted-string
#   media-range  =  ( "*/*" / ( m-type SLASH "*" ) / ( m-type SLASH m-subtype ) ) *( SEMI m-parameter )
_TYPE = re.compile(rf"([{TOKEN_CHARS}]++)[ \t]*+/[ \t]*+([{TOKEN_CHARS}]++)[ \t]*+((?:;.*+)?)", re.DOTALL)

_MEDIA_TYPE = re.compile(rf"[{TOKEN_CHARS}]++/[{TOKEN_CHARS}]++")


@attrs.frozen
class ContentType:
    """A media type with its parameters; in Accept the type or subtype may be ``*``."""

    media_type: str = attrs.field()  #: ``type/subtype`` in lower case
    params: Params = Params()

    @media_type.validator
    def _is_type(self, _: object, value: str) -> None:
        if not _MEDIA_TYPE.fullmatch(value):
            raise LocalProtocolError(f"not a media type: {value!r}")

    @classmethod
    def parse(cls, text: str, report: Report = tolerate) -> Self:
        """Read one; raises MalformedHeader. ``report`` is told what is tolerated; `sip.refuse` tolerates nothing."""
        match = _TYPE.fullmatch(text)
        if match is None:
            raise MalformedHeader("Content-Type", text)
        return cls(f"{match[1]}/{match[2]}".lower(), Params.parse(match[3], report))

    @property
    def boundary(self) -> str | None:
        """Boundary of a multipart type."""
        return self.params.get("boundary")

    @property
    def charset(self) -> str | None:
        """The ``charset`` parameter in lower case."""
        value = self.params.get("charset")
        return None if value is None else value.lower()

    def with_params(self, changes: Mapping[str, str | None]) -> Self:
        """The same type with some parameters set."""
        return attrs.evolve(self, params=self.params.with_(changes))

    def accepts(self, media_type: str) -> bool:
        """Whether this media range covers a media type."""
        wanted = media_type.lower()
        main = self.media_type.partition("/")[0]
        return self.media_type in (wanted, "*/*") or (
            self.media_type.endswith("/*") and wanted.partition("/")[0] == main
        )

    def __str__(self) -> str:
        return f"{self.media_type}{self.params}"
