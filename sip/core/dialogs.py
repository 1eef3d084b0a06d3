"""The dialogs of an endpoint: found by their IDs, and by the connections that they use."""

from __future__ import annotations

from sip.context import Context
from sip.core.dialog import Dialog, DialogInput, DialogKey
from sip.flow import Flow
from sip.message.request import Request


class Dialogs:
    """All dialogs of an endpoint."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._by_key: dict[DialogKey, Dialog] = {}
        self._by_flow: dict[int, dict[DialogKey, Dialog]] = {}
        self.unsaved: dict[DialogKey, Dialog] | None = None  #: what changed; None where nobody writes them yet

    def __len__(self) -> int:
        return len(self._by_key)

    def find(self, message: Request) -> Dialog | None:
        """Return the dialog of a request that came; one without a To tag is in none."""
        local_tag = message.to.tag
        if local_tag is None:
            return None
        return self._by_key.get((message.call_id, local_tag, message.from_.tag or ""))

    def find_key(self, call_id: str, local_tag: str, remote_tag: str) -> Dialog | None:
        """Return a dialog by its ID."""
        return self._by_key.get((call_id, local_tag, remote_tag))

    def is_full(self) -> bool:
        """Whether no more dialogs are taken."""
        return len(self._by_key) >= self._context.config.max_dialogs

    def add(self, dialog: Dialog) -> None:
        """Note a dialog."""
        self._by_key[dialog.key] = dialog
        dialog.unsaved = self.unsaved
        dialog.touch()
        if dialog.flow is not None:
            self._by_flow.setdefault(dialog.flow.id, {})[dialog.key] = dialog

    def moved(self, dialog: Dialog, flow: Flow) -> None:
        """Note the connection that a dialog uses from now on."""
        self._leave_flow(dialog)
        dialog.flow = flow if flow.reliable else None
        dialog.touch()
        if dialog.flow is not None and self._by_key.get(dialog.key) is dialog:
            self._by_flow.setdefault(flow.id, {})[dialog.key] = dialog

    def release(self, dialog: Dialog) -> None:
        """Drop a dialog if no usage is left."""
        if dialog.in_use:
            return
        dialog.process(DialogInput.USAGES_GONE)
        if self._by_key.get(dialog.key) is dialog:
            del self._by_key[dialog.key]
        self._leave_flow(dialog)

    def on_flow(self, flow: Flow) -> list[Dialog]:
        """Return the dialogs that use a connection, and let them forget it."""
        dialogs = list(self._by_flow.pop(flow.id, {}).values())
        for dialog in dialogs:
            dialog.flow = None
            dialog.touch()
        return dialogs

    # What is written -------------------------------------------------------------------------------------------------

    def take_unsaved(self) -> list[Dialog]:
        """Return the dialogs that may be other than what was written, those that ended too; all at the first call."""
        if self.unsaved is None:
            self.unsaved = {}
            for dialog in self._by_key.values():
                dialog.unsaved = self.unsaved
            return list(self._by_key.values())
        if not self.unsaved:
            return []
        dialogs = list(self.unsaved.values())
        self.unsaved.clear()
        return dialogs

    def all(self) -> list[Dialog]:
        """Return all that there are."""
        return list(self._by_key.values())

    def _leave_flow(self, dialog: Dialog) -> None:
        if dialog.flow is not None:
            on_flow = self._by_flow.get(dialog.flow.id)
            if on_flow is not None:
                on_flow.pop(dialog.key, None)
                if not on_flow:
                    del self._by_flow[dialog.flow.id]
