"""Names that DNS can be asked for (RFC 1035 section 2.3.4).

The grammar of SIP takes more: labels of any length, none between two dots, letters of any script. A system that is
asked for such a name raises, or asks somebody else. So whoever keeps a host to reach it later checks it here first.
"""

from __future__ import annotations

import re
from typing import Final

from sip.syntax.uri_parts import ip_address

#: ``label *("." label) ["."]``; a label has 1 to 63 octets, a name 253; underscores are in use.
_NAME: Final = re.compile(
    r"(?=.{1,253}\.?\Z)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?+(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?+)*+\.?"
)


def is_host_name(host: str) -> bool:
    """Whether a host is an address of IPv6 without brackets, or a name that DNS can have (one of IPv4 looks alike)."""
    return ip_address(host) is not None if ":" in host else _NAME.fullmatch(host) is not None
