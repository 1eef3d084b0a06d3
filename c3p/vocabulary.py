"""Names that the protocol gives to values.

The types are open on the wire: a peer may send a word that is not listed here, and it is kept as it came. So the fields
of documents are ``str``, and these members, which are strings themselves, are what to compare them with.
"""

from __future__ import annotations

from enum import Enum, StrEnum


class Code(Enum):
    """Outcome that a response reports (MS-CONFBAS). This one is closed."""

    SUCCESS = "success"
    PENDING = "pending"
    FAILURE = "failure"


class Reason(StrEnum):
    """General reasons of a failure, ``response/@reason`` (MS-CONFBAS)."""

    SERVER_BUSY = "serverBusy"
    TIMEOUT = "timeout"
    UNAUTHORIZED = "unauthorized"
    REQUEST_MALFORMED = "requestMalformed"
    REQUEST_TOO_LARGE = "requestTooLarge"
    REQUEST_CANCELLED = "requestCancelled"
    NOT_SUPPORTED = "notSupported"
    OTHER_FAILURE = "otherFailure"


class CommandReason(StrEnum):
    """Specific reasons, carried on the command of a failed response (MS-CONFBAS, docs/design-decisions.rst)."""

    OTHER_FAILURE = "otherFailure"
    CONFERENCE_DOESNT_EXIST = "conferenceDoesntExist"
    CONFERENCE_EXISTS_ALREADY = "conferenceExistsAlready"
    USER_DOESNT_EXIST = "userDoesntExist"
    ENDPOINT_DOESNT_EXIST = "endpointDoesntExist"
    MEDIA_DOESNT_EXIST = "mediaDoesntExist"
    INVALID_ROLE = "invalidRole"
    INVALID_MCU_URI = "invalidMcuUri"
    CONFERENCE_LOCKED = "conferenceLocked"
    DIAL_OUT_BUSY = "dialOutBusy"
    DIAL_OUT_DECLINED = "dialOutDeclined"
    DIAL_OUT_TIMEOUT = "dialOutTimeout"
    DIAL_OUT_NOT_FOUND = "dialOutNotFound"
    DIAL_OUT_MEDIA = "dialOutMedia"
    DIAL_OUT_FAILED = "dialOutFailed"


class Role(StrEnum):
    """Role of a user."""

    PRESENTER = "presenter"
    ATTENDEE = "attendee"
    DEFAULT = "default"  #: in filter rules only: when no rule names the role


class State(StrEnum):
    """How an element of a document relates to what the receiver has (RFC 4575 section 4.4)."""

    FULL = "full"
    PARTIAL = "partial"
    DELETED = "deleted"


class Status(StrEnum):
    """Status of an endpoint (RFC 4575 section 5.7.3)."""

    PENDING = "pending"
    DIALING_OUT = "dialing-out"
    ALERTING = "alerting"
    DIALING_IN = "dialing-in"
    CONNECTED = "connected"
    ON_HOLD = "on-hold"
    MUTED_VIA_FOCUS = "muted-via-focus"
    DISCONNECTING = "disconnecting"
    DISCONNECTED = "disconnected"


class JoiningMethod(StrEnum):
    """How an endpoint came into the conference."""

    DIALED_IN = "dialed-in"
    DIALED_OUT = "dialed-out"
    FOCUS_OWNER = "focus-owner"


class DisconnectionMethod(StrEnum):
    """How an endpoint left the conference."""

    DEPARTED = "departed"
    BOOTED = "booted"
    FAILED = "failed"
    BUSY = "busy"


class MediaType(StrEnum):
    """Kind of one stream."""

    AUDIO = "audio"
    VIDEO = "video"
    PANORAMIC_VIDEO = "panoramic-video"
    CHAT = "chat"
    APPLICATION_SHARING = "applicationsharing"
    DATA_CONF = "data-conf"


class MediaLabel(StrEnum):
    """Label of one stream."""

    MAIN_AUDIO = "main-audio"
    MAIN_VIDEO = "main-video"
    PANORAMIC_VIDEO = "panoramic-video"
    CHAT = "chat"
    APPLICATION_SHARING = "applicationsharing"
    DATA_CONF = "data-conf"


class MediaStatus(StrEnum):
    """Direction of one stream, seen from the endpoint: ``recvonly`` is muted."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"


class Filter(StrEnum):
    """Whether the MCU lets a stream through; absent means ``unblock``."""

    BLOCK = "block"
    UNBLOCK = "unblock"


class McuType(StrEnum):
    """What an MCU mixes; also the session type of its endpoints."""

    CHAT = "chat"
    AUDIO_VIDEO = "audio-video"
    APPLICATION_SHARING = "applicationsharing"
    DATA_CONF = "data-conf"
    MEETING = "meeting"
    PHONE_CONF = "phone-conf"


class SessionType(StrEnum):
    """What an endpoint is attached to: the Focus, or an MCU of that type."""

    FOCUS = "focus"
    AUDIO_VIDEO = "audio-video"
    CHAT = "chat"
    APPLICATION_SHARING = "applicationsharing"
    DATA_CONF = "data-conf"


class AdmissionPolicy(StrEnum):
    """Who gets into a conference directly (docs/commands.rst)."""

    CLOSED_AUTHENTICATED = "closedAuthenticated"
    OPEN_AUTHENTICATED = "openAuthenticated"
    ANONYMOUS = "anonymous"


class AuthMethod(StrEnum):
    """How the Focus knows a user."""

    ENTERPRISE = "enterprise"
    ANONYMOUS = "anonymous"
    FEDERATED = "federated"


class AccessMethod(StrEnum):
    """Where a user comes from."""

    INTERNAL = "internal"
    EXTERNAL = "external"


class LobbyAccess(StrEnum):
    """What ``setLobbyAccess`` decides."""

    GRANTED = "granted"
    DENIED = "denied"


class VideoMode(StrEnum):
    """How the MCU chooses the video that everybody sees."""

    DOMINANT_SPEAKER_SWITCHED = "dominant-speaker-switched"
    MANUAL_SWITCHED = "manual-switched"
