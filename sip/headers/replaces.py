"""Replaces, Join and Target-Dialog: headers that name another dialog (RFC 3891, RFC 3911, RFC 4538)."""

from __future__ import annotations

import re
from typing import Self

import attrs

from sip.errors import LocalProtocolError, MalformedHeader
from sip.syntax.grammar import CONTROLS, Report, is_token, must_be_token, tolerate
from sip.syntax.params import Params
from sip.syntax.tokens import parse_call_id

# RFC 3891 section 6.1:
#   Replaces        =  "Replaces" HCOLON callid *(SEMI replaces-param)
#   replaces-param  =  to-tag / from-tag / early-flag / generic-param
#   to-tag          =  "to-tag" EQUAL token
#   from-tag        =  "from-tag" EQUAL token
#   early-flag      =  "early-only"
# RFC 3911 and RFC 4538:
#   Join            =  "Join" HCOLON callid *(SEMI join-param)
#   join-param      =  to-tag / from-tag / generic-param
#   Target-Dialog   =  "Target-Dialog" HCOLON callid *(SEMI td-param)
#   td-param        =  remote-param / local-param / generic-param
#   remote-param    =  "remote-tag" EQUAL token
#   local-param     =  "local-tag" EQUAL token
#: A Call-ID that ends where the parameters begin.
_WORD = re.compile(rf"[^\s{CONTROLS};,@]++(?:@[^\s{CONTROLS};,@]++)?+")


def _word(_: object, __: object, value: str) -> None:
    if not _WORD.fullmatch(value):
        raise LocalProtocolError(f"not a Call-ID: {value!r}")


@attrs.frozen
class Replaces:
    """The dialog that a new INVITE takes over (RFC 3891 section 6.1)."""

    call_id: str = attrs.field(validator=_word)
    to_tag: str = attrs.field(validator=must_be_token)
    from_tag: str = attrs.field(validator=must_be_token)
    early_only: bool = False
    params: Params = Params()  #: further parameters

    @classmethod
    def parse(cls, text: str, report: Report = tolerate) -> Self:
        """Read one; raises MalformedHeader. ``report`` is told what is tolerated; `sip.refuse` tolerates nothing."""
        call_id, to_tag, from_tag, params = _dialog("Replaces", text, "to-tag", "from-tag", report)
        return cls(call_id, to_tag, from_tag, "early-only" in params, params.without("early-only"))

    def __str__(self) -> str:
        flag = ";early-only" if self.early_only else ""
        return f"{self.call_id};to-tag={self.to_tag};from-tag={self.from_tag}{flag}{self.params}"


@attrs.frozen
class Join:
    """The dialog that a new INVITE wants to be mixed into (RFC 3911 section 7.1)."""

    call_id: str = attrs.field(validator=_word)
    to_tag: str = attrs.field(validator=must_be_token)
    from_tag: str = attrs.field(validator=must_be_token)
    params: Params = Params()

    @classmethod
    def parse(cls, text: str, report: Report = tolerate) -> Self:
        """Read one; raises MalformedHeader. ``report`` is told what is tolerated; `sip.refuse` tolerates nothing."""
        return cls(*_dialog("Join", text, "to-tag", "from-tag", report))

    def __str__(self) -> str:
        return f"{self.call_id};to-tag={self.to_tag};from-tag={self.from_tag}{self.params}"


@attrs.frozen
class TargetDialog:
    """A dialog that shows that the sender may ask for this (RFC 4538 section 7)."""

    call_id: str = attrs.field(validator=_word)
    local_tag: str = attrs.field(validator=must_be_token)
    remote_tag: str = attrs.field(validator=must_be_token)
    params: Params = Params()

    @classmethod
    def parse(cls, text: str, report: Report = tolerate) -> Self:
        """Read one; raises MalformedHeader. ``report`` is told what is tolerated; `sip.refuse` tolerates nothing."""
        return cls(*_dialog("Target-Dialog", text, "local-tag", "remote-tag", report))

    def __str__(self) -> str:
        return f"{self.call_id};local-tag={self.local_tag};remote-tag={self.remote_tag}{self.params}"


def _dialog(name: str, text: str, first: str, second: str, report: Report) -> tuple[str, str, str, Params]:
    call_id, semicolon, rest = text.partition(";")
    params = Params.parse(semicolon + rest, report)
    one, other = params.get(first), params.get(second)
    call_id = call_id.strip(" \t")
    if one is None or other is None or not (is_token(one) and is_token(other) and _WORD.fullmatch(call_id)):
        raise MalformedHeader(name, text)
    return parse_call_id(call_id, report), one, other, params.without(first, second)
