"""Headers that hold a token, an option-tag or a number and nothing else."""

from __future__ import annotations

import re

from sip.errors import MalformedHeader
from sip.syntax.grammar import Report, is_token, tolerate

# RFC 3261 section 25.1:
#   delta-seconds  =  1*DIGIT
#   callid         =  word [ "@" word ]
#   word           =  1*(alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~" / "(" / ")" / "<" / ">" /
#                     ":" / "\" / DQUOTE / "/" / "[" / "]" / "?" / "{" / "}" )
_DIGITS = re.compile(r"[0-9]++")
_CALL_ID = re.compile(r"[^\s@]++(?:@[^\s@]++)?")
#: ``word`` of RFC 3261 section 25.1, for the strict reading of Call-ID.
_WORD = re.compile(r"""[A-Za-z0-9\-.!%*_+`'~()<>:\\"/\[\]?{}]++(?:@[A-Za-z0-9\-.!%*_+`'~()<>:\\"/\[\]?{}]++)?""")
#: RFC 3261 section 20.19: larger values mean this.
MAX_DELTA_SECONDS = 2**32 - 1


def parse_number(text: str, report: Report = tolerate) -> int:
    """Decimal digits only, no sign; raises MalformedHeader."""
    if not _DIGITS.fullmatch(text) or len(text) > 20:
        raise MalformedHeader("number", text)
    return int(text)


def parse_delta_seconds(text: str, report: Report = tolerate) -> int:
    """Seconds; what is larger than 2**32 - 1 is taken as that. Raises MalformedHeader for what is no number."""
    if not _DIGITS.fullmatch(text):
        raise MalformedHeader("seconds", text)
    if len(text) > 10 or int(text) > MAX_DELTA_SECONDS:
        if len(text.lstrip("0")) <= 10 and int(text.lstrip("0") or "0") <= MAX_DELTA_SECONDS:
            return int(text.lstrip("0") or "0")
        report("more seconds than 2**32 - 1")
        return MAX_DELTA_SECONDS
    return int(text)


def parse_max_forwards(text: str, report: Report = tolerate) -> int:
    """0 to 255 (RFC 3261 section 20.22). Raises MalformedHeader."""
    if len(text) <= 3 and text.isdecimal() and text.isascii():
        hops = int(text)
        if hops <= 255:
            return hops
    hops = parse_number(text)  # leading zeros
    if hops > 255:
        raise MalformedHeader("Max-Forwards", text)
    return hops


def parse_call_id(text: str, report: Report = tolerate) -> str:
    """``word [ "@" word ]`` (RFC 3261 section 20.8); compared octet by octet. Raises MalformedHeader."""
    if _WORD.fullmatch(text):
        return text
    if not text or not _CALL_ID.fullmatch(text):
        raise MalformedHeader("Call-ID", text)
    report("characters that a Call-ID does not have")
    return text


def parse_token(text: str, report: Report = tolerate) -> str:
    """A token whose case matters: a method, an entity-tag. Raises MalformedHeader."""
    if not is_token(text):
        raise MalformedHeader("token", text)
    return text


def parse_option_tag(text: str, report: Report = tolerate) -> str:
    """An option-tag in lower case: its case does not matter. Raises MalformedHeader."""
    if not is_token(text):
        raise MalformedHeader("option-tag", text)
    return text.lower()
