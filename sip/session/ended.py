"""Dialogs that are over, remembered for a while: who names one in Replaces or Join is told so (RFC 3891 section 3)."""

from collections import OrderedDict

from sip.context import Context
from sip.dialog import DialogKey


class EndedDialogs:
    """IDs of INVITE dialogs that ended not long ago. There is no timer: old ones go when others come."""

    def __init__(self, context: Context) -> None:
        self._limit = context.config.max_ended_dialogs
        # As long as a request may be on its way or be sent again.
        self._keep = 64 * context.config.t1
        self._ended: OrderedDict[DialogKey, float] = OrderedDict()

    def __contains__(self, key: DialogKey) -> bool:
        return key in self._ended

    def add(self, key: DialogKey, now: float) -> None:
        """Note the end of a dialog."""
        ended = self._ended
        ended[key] = now
        while len(ended) > self._limit or next(iter(ended.values()), now) < now - self._keep:
            ended.popitem(last=False)
