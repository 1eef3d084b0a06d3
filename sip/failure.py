"""Why something of ours came to nothing, in words."""

from __future__ import annotations

from sip.message.response import Response


class Failure:
    """What events that say so have in common. ``status`` and ``response`` are None when nobody answered."""

    __slots__ = ()

    status: int | None
    response: Response | None

    @property
    def reason(self) -> str:
        """Why, in the words of who refused; where nobody did, what happened, such as ``timeout`` or ``no answer``."""
        if self.response is not None:
            return self.response.reason
        cause = getattr(self, "cause", None)  # of the session, where the status alone does not say it
        return str(cause.value) if cause is not None else "no answer"

    @property
    def text(self) -> str:
        """Status, reason and what more is known, for people, such as ``486 Busy Here``."""
        said = self.reason if self.status is None else f"{self.status} {self.reason}"
        detail = getattr(self, "detail", "")
        return f"{said} ({detail})" if detail else said
