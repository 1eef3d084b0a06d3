"""Commands to the endpoint that may cross with the end of what they are about."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from sip import LocalProtocolError

#: One piece of a stream, or one tick of the clock, can end a transaction, session or subscription whose earlier event
#: is only now being handled; the event that says so follows. What the peer did must not raise here: the answer is moot.
UNLESS_OVER: Final = suppress(LocalProtocolError)
