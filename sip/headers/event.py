"""Event (RFC 6665 section 8.2.1).

::

    Event           =  ( "Event" / "o" ) HCOLON event-type *( SEMI event-param )
    event-type      =  event-package *( "." event-template )
    event-package   =  token-nodot
    event-template  =  token-nodot
    event-param     =  generic-param / ( "id" EQUAL token )
"""

from __future__ import annotations

from typing import Self

import attrs

from sip.errors import LocalProtocolError, MalformedHeader
from sip.syntax.grammar import Report, must_be_token, tolerate
from sip.syntax.params import Params


@attrs.frozen
class EventPackage:
    """Which event package a subscription is about, and which of several subscriptions."""

    package: str = attrs.field(validator=must_be_token)  #: package with its templates, in lower case
    params: Params = Params()

    @classmethod
    def parse(cls, text: str, report: Report = tolerate) -> Self:
        """Read one; raises MalformedHeader. ``report`` is told what is tolerated; `sip.refuse` tolerates nothing."""
        package, semicolon, params = text.partition(";")
        try:
            return cls(package.strip(" \t").lower(), Params.parse(semicolon + params, report))
        except LocalProtocolError:
            raise MalformedHeader("Event", text) from None

    @property
    def id(self) -> str | None:
        """The ``id`` parameter; compared with its case."""
        return self.params.get("id")

    def __str__(self) -> str:
        return f"{self.package}{self.params}"
