"""XML namespaces of C3P and conference-info documents (MS-CONFBAS)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

CCCP: Final = "urn:ietf:params:xml:ns:cccp"
MSCP: Final = "http://schemas.microsoft.com/rtc/2005/08/cccpextensions"
CI: Final = "urn:ietf:params:xml:ns:conference-info"
CIS: Final = "urn:ietf:params:xml:ns:conference-info-separator"
MSCI: Final = "http://schemas.microsoft.com/rtc/2005/08/confinfoextensions"
MSCI2: Final = "http://schemas.microsoft.com/rtc/2008/12/confinfoextensions"
MSMCU: Final = "http://schemas.microsoft.com/rtc/2009/03/commonmcuextensions"
MSAV: Final = "http://schemas.microsoft.com/rtc/2005/08/avconfinfoextensions"
MSIM: Final = "http://schemas.microsoft.com/rtc/2005/08/imconfinfoextensions"
MSAS: Final = "http://schemas.microsoft.com/rtc/2005/08/asconfinfoextensions"
MSDATA: Final = "http://schemas.microsoft.com/rtc/2005/08/dataconfinfoextensions"
XML: Final = "http://www.w3.org/XML/1998/namespace"

#: The prefix that our documents use for each namespace. Receivers match by namespace, never by prefix.
PREFIXES: Final[Mapping[str, str]] = MappingProxyType(
    {
        CCCP: "cccp",
        MSCP: "mscp",
        CI: "ci",
        CIS: "cis",
        MSCI: "msci",
        MSCI2: "msci2",
        MSMCU: "msmcu",
        MSAV: "msav",
        MSIM: "msim",
        MSAS: "msas",
        MSDATA: "msdata",
    }
)

#: The empty element between schema generations; it carries no data.
SEPARATOR: Final = f"{{{CIS}}}separator"
