"""Names for endpoints that came without one."""

from __future__ import annotations

from sip import Entropy

__all__ = ["guid"]


def guid(entropy: Entropy) -> str:
    """A random GUID in braces and upper case (c3p 2.3; RFC 9562 section 5.4)."""
    digits = list(entropy.token(16).upper())
    digits[12] = "4"
    digits[16] = "89AB"[int(digits[16], 16) % 4]
    text = "".join(digits)
    return "{" + "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:])) + "}"
