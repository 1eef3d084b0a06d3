"""Media types of the documents of this package."""

from __future__ import annotations

from typing import Final

#: Every C3P request, response and notification (MS-CONFBAS).
CCCP_TYPE: Final = "application/cccp+xml"
#: Roster documents in NOTIFY and BENOTIFY (RFC 4575).
CONFERENCE_INFO_TYPE: Final = "application/conference-info+xml"
#: The app-INVITE between two clients (MS-CONFBAS).
CONFERENCE_INVITE_TYPE: Final = "application/ms-conf-invite+xml"
