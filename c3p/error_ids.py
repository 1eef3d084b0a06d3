"""Numbers of ``ms-diagnostics`` that a Focus, a Focus Factory or an A/V MCU gives (MS-OCER)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Final


class ErrorId(IntEnum):
    """Why a request was refused, outside the C3P body."""

    NOT_ENOUGH_BANDWIDTH = 4
    BAD_FROM = 3000
    BAD_TO = 3001
    INVALID_TARGET_USER = 3002
    INVALID_CONFERENCE_ENTITY = 3003
    COMMAND_NOT_IMPLEMENTED = 3004
    CANNOT_TARGET_MCU = 3005
    DOCUMENT_DOES_NOT_PARSE = 3006
    ADD_USER_CONTENT_INVALID = 3007
    ACCESS_METHOD_NOT_ACCEPTABLE = 3008
    MALFORMED_ENDPOINT_ENTITY = 3009
    SESSION_TIMER_MISSING = 3010
    MCU_CONTACT_NOT_PROCESSED = 3011
    INVALID_CONFERENCE_URI = 3012
    INVALID_MCU_URI = 3013
    AUTHORIZATION_FAILED = 3014
    THIRD_PARTY_DIAL_OUT_NOT_ALLOWED = 3015
    INVALID_ROLE = 3016
    TOO_MANY_MEETINGS = 7000
    TRAVERSAL_NOT_AVAILABLE = 7001
    CONFERENCE_NOT_ON_MCU = 7002
    INVITE_TIMED_OUT = 7003
    ONLY_SDP_SUPPORTED = 7004
    UNEXPECTED_AT_THIS_TIME = 7005
    CONFERENCE_NOT_PROVISIONED = 7006
    REPLACING_USER_NOT_ALLOWED = 7007
    SDP_DOES_NOT_PARSE = 7008
    IPV6_NOT_SUPPORTED = 7009
    SDP_ATTRIBUTE_INVALID = 7010


#: SIP status that suits each error. A choice of this project: the protocol does not give one.
SIP_STATUS: Final[Mapping[ErrorId, int]] = MappingProxyType(
    {
        ErrorId.NOT_ENOUGH_BANDWIDTH: 503,
        ErrorId.BAD_FROM: 403,
        ErrorId.BAD_TO: 400,
        ErrorId.INVALID_TARGET_USER: 404,
        ErrorId.INVALID_CONFERENCE_ENTITY: 404,
        ErrorId.COMMAND_NOT_IMPLEMENTED: 501,
        ErrorId.CANNOT_TARGET_MCU: 400,
        ErrorId.DOCUMENT_DOES_NOT_PARSE: 400,
        ErrorId.ADD_USER_CONTENT_INVALID: 400,
        ErrorId.ACCESS_METHOD_NOT_ACCEPTABLE: 400,
        ErrorId.MALFORMED_ENDPOINT_ENTITY: 400,
        ErrorId.SESSION_TIMER_MISSING: 421,
        ErrorId.MCU_CONTACT_NOT_PROCESSED: 400,
        ErrorId.INVALID_CONFERENCE_URI: 404,
        ErrorId.INVALID_MCU_URI: 404,
        ErrorId.AUTHORIZATION_FAILED: 403,
        ErrorId.THIRD_PARTY_DIAL_OUT_NOT_ALLOWED: 403,
        ErrorId.INVALID_ROLE: 400,
        ErrorId.TOO_MANY_MEETINGS: 503,
        ErrorId.TRAVERSAL_NOT_AVAILABLE: 503,
        ErrorId.CONFERENCE_NOT_ON_MCU: 404,
        ErrorId.INVITE_TIMED_OUT: 408,
        ErrorId.ONLY_SDP_SUPPORTED: 415,
        ErrorId.UNEXPECTED_AT_THIS_TIME: 400,
        ErrorId.CONFERENCE_NOT_PROVISIONED: 403,
        ErrorId.REPLACING_USER_NOT_ALLOWED: 403,
        ErrorId.SDP_DOES_NOT_PARSE: 488,
        ErrorId.IPV6_NOT_SUPPORTED: 488,
        ErrorId.SDP_ATTRIBUTE_INVALID: 488,
    }
)

#: What each error means, in words fit for the ``reason`` of ``ms-diagnostics``.
MEANINGS: Final[Mapping[ErrorId, str]] = MappingProxyType(
    {
        ErrorId.NOT_ENOUGH_BANDWIDTH: "Not enough bandwidth to establish the session",
        ErrorId.BAD_FROM: "The from of the request is not its authenticated sender",
        ErrorId.BAD_TO: "The to of the request is not the address it was sent to",
        ErrorId.INVALID_TARGET_USER: "The target user is not in the conference",
        ErrorId.INVALID_CONFERENCE_ENTITY: "The conference entity in the document is not valid",
        ErrorId.COMMAND_NOT_IMPLEMENTED: "The command is not implemented",
        ErrorId.CANNOT_TARGET_MCU: "This request cannot target an MCU",
        ErrorId.DOCUMENT_DOES_NOT_PARSE: "The document does not parse",
        ErrorId.ADD_USER_CONTENT_INVALID: "The content of addUser is not valid",
        ErrorId.ACCESS_METHOD_NOT_ACCEPTABLE: "A client may not set accessMethod or authMethod",
        ErrorId.MALFORMED_ENDPOINT_ENTITY: "The endpoint entity is malformed",
        ErrorId.SESSION_TIMER_MISSING: "The session timer extension is required",
        ErrorId.MCU_CONTACT_NOT_PROCESSED: "Ms-Mcu-Contact could not be processed",
        ErrorId.INVALID_CONFERENCE_URI: "The conference URI is not valid",
        ErrorId.INVALID_MCU_URI: "The MCU URI is not one of this conference",
        ErrorId.AUTHORIZATION_FAILED: "The role of the sender does not allow this",
        ErrorId.THIRD_PARTY_DIAL_OUT_NOT_ALLOWED: "Attendees may not dial out to others",
        ErrorId.INVALID_ROLE: "The supplied role is not valid",
        ErrorId.TOO_MANY_MEETINGS: "Too many meetings on this MCU",
        ErrorId.TRAVERSAL_NOT_AVAILABLE: "No relay service is available",
        ErrorId.CONFERENCE_NOT_ON_MCU: "The conference does not exist on this MCU",
        ErrorId.INVITE_TIMED_OUT: "The INVITE to the client timed out",
        ErrorId.ONLY_SDP_SUPPORTED: "Only application/sdp offers and answers are supported",
        ErrorId.UNEXPECTED_AT_THIS_TIME: "Malformed or unexpected at this time",
        ErrorId.CONFERENCE_NOT_PROVISIONED: "The conference is not provisioned for this user",
        ErrorId.REPLACING_USER_NOT_ALLOWED: "Replacing an existing user is not allowed",
        ErrorId.SDP_DOES_NOT_PARSE: "The SDP does not parse",
        ErrorId.IPV6_NOT_SUPPORTED: "An IPv6 connection address is not supported",
        ErrorId.SDP_ATTRIBUTE_INVALID: "An SDP attribute is missing or invalid",
    }
)
