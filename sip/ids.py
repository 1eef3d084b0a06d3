"""Names for what an endpoint keeps. Numbers are never used twice by one endpoint."""

from __future__ import annotations

from typing import NewType

TransactionId = NewType("TransactionId", int)  #: a request that somebody sent to us
RequestId = NewType("RequestId", int)  #: a request that we sent
SessionId = NewType("SessionId", int)  #: an INVITE session, from the INVITE to its end
SubscriptionId = NewType("SubscriptionId", int)  #: one side of a subscription
WantId = NewType("WantId", int)  #: a question to the driver
