"""One user of pidgin-sipe without a screen: the real plugin in libpurple, driven by lines, told in lines of JSON.

Run as a program of its own, since libpurple is one account manager to a process, and a fault in it is no fault of a
test. ``python sipe_user.py HOST:PORT USER`` reads commands from standard input, one a line, and writes what happens::

    new sip:bob@example.com       make a conference and invite somebody to it
    join CONFERENCE-URI           join one
    say TEXT | lock | unlock | leave
    leader URI | remove URI | invite URI

It has a loop of its own: libpurple asks its user interface for timers and for readable and writable descriptors.
"""

from __future__ import annotations

import ctypes
import heapq
import itertools
import json
import os
import re
import select
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any, Final

PLUGINS: Final = "/usr/lib/purple-2"
LIBRARY: Final = "libpurple.so.0"
_NAME: Final = b"test"
_READ, _WRITE = 1, 2  #: PurpleInputCondition
_PRESENTER: Final = 4  #: PURPLE_CBFLAGS_OP
_CHAT: Final = 2  #: PURPLE_CONV_TYPE_CHAT
_AVAILABLE: Final = 2  #: PURPLE_STATUS_AVAILABLE
_SAX2: Final = (0xDEEDBEAF).to_bytes(4, "little")  #: XML_SAX2_MAGIC

_pointer, _text, _int, _uint = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_uint
_kept: list[Any] = []  #: what C may call must not be collected


def called(result: Any, *arguments: Any) -> Callable[[Callable[..., Any]], Any]:
    """Make a function one that C can call."""

    def wrap(function: Callable[..., Any]) -> Any:
        _kept.append(ctypes.CFUNCTYPE(result, *arguments)(function))
        return _kept[-1]

    return wrap


def tell(event: str, **more: object) -> None:
    """One line for the test."""
    print(json.dumps({"event": event, **more}), flush=True)


def plain(text: bytes | None) -> str:
    """Text without the marks of HTML."""
    return re.sub("<[^>]*>", "", (text or b"").decode("utf-8", "replace"))


class Loop:
    """Timers and descriptors for libpurple."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._timers: list[tuple[float, int]] = []
        self._timed: dict[int, tuple[float, Any, int | None]] = {}
        self._watched: dict[int, tuple[int, int, Any, int | None]] = {}
        self.ops = (_pointer * 10)(
            self._pointer(
                called(_uint, _uint, _pointer, _pointer)(lambda ms, f, data: self._after(ms / 1000, f, data))
            ),
            self._pointer(called(_int, _uint)(self._remove)),
            self._pointer(called(_uint, _int, _int, _pointer, _pointer)(self._watch)),
            self._pointer(called(_int, _uint)(self._remove)),
            None,
            self._pointer(called(_uint, _uint, _pointer, _pointer)(self._after)),
        )

    @staticmethod
    def _pointer(function: Any) -> int | None:
        return ctypes.cast(function, _pointer).value

    def _after(self, seconds: float, function: int, data: int | None) -> int:
        number = next(self._numbers)
        self._timed[number] = (seconds, ctypes.CFUNCTYPE(_int, _pointer)(function), data)
        heapq.heappush(self._timers, (time.monotonic() + seconds, number))
        return number

    def _watch(self, descriptor: int, condition: int, function: int, data: int | None) -> int:
        number = next(self._numbers)
        call = ctypes.CFUNCTYPE(None, _pointer, _int, _int)(function)
        self._watched[number] = (descriptor, condition, call, data)
        return number

    def _remove(self, number: int) -> int:
        found = self._timed.pop(number, None) or self._watched.pop(number, None)
        return found is not None

    def turn(self, longest: float) -> None:
        """Wait for something to do, no longer than some seconds, and do it."""
        poll = select.poll()
        wanted: dict[int, int] = {}
        for descriptor, condition, _, _ in self._watched.values():
            wanted[descriptor] = wanted.get(descriptor, 0) | condition
        for descriptor, condition in wanted.items():
            poll.register(
                descriptor, (select.POLLIN if condition & _READ else 0) | (select.POLLOUT if condition & _WRITE else 0)
            )
        until = min(longest, max(0.0, self._timers[0][0] - time.monotonic())) if self._timers else longest
        ready = dict(poll.poll(until * 1000))
        for number, (descriptor, condition, call, data) in list(self._watched.items()):
            state = ready.get(descriptor, 0)
            broken = state & (select.POLLHUP | select.POLLERR)
            given = (_READ if state & select.POLLIN or broken else 0) | (
                _WRITE if state & select.POLLOUT or broken else 0
            )
            if given & condition and number in self._watched:
                call(data, descriptor, given & condition)
        while self._timers and self._timers[0][0] <= time.monotonic():
            _, number = heapq.heappop(self._timers)
            seconds, call, data = self._timed.get(number, (0.0, None, None))
            if call is not None and call(data) and number in self._timed:
                heapq.heappush(self._timers, (time.monotonic() + seconds, number))
            else:
                self._timed.pop(number, None)


class User:
    """The account, its connection, and the one chat that it is in."""

    def __init__(self, server: str, user: str) -> None:
        home = tempfile.mkdtemp(prefix="sipe-user-")
        os.environ.update(HOME=home, PURPLEHOME=home, DBUS_SESSION_BUS_ADDRESS="unix:path=/nonexistent")
        self.loop = Loop()
        self._purple = ctypes.CDLL(LIBRARY, mode=ctypes.RTLD_GLOBAL)
        purple = self.purple
        purple("purple_util_set_user_dir", None, _text)(home.encode())
        purple("purple_eventloop_set_ui_ops", None, _pointer)(ctypes.addressof(self.loop.ops))
        purple("purple_plugins_add_search_path", None, _text)(PLUGINS.encode())
        if not purple("purple_core_init", _int, _text)(_NAME):
            raise SystemExit("libpurple does not start")
        purple("purple_set_blist", None, _pointer)(purple("purple_blist_new", _pointer)())
        purple("purple_network_force_online", None)()
        if not purple("purple_plugins_find_with_id", _pointer, _text)(b"prpl-sipe"):
            raise SystemExit("there is no prpl-sipe")
        self._sipe = ctypes.CDLL(f"{PLUGINS}/libsipe.so")
        self._mend_xml()
        self.chat: int | None = None
        self._listen()
        self._account = self._log_in(server, user)

    def purple(self, name: str, result: Any, *arguments: Any) -> Any:
        """A function of libpurple."""
        return self._typed(self._purple, name, result, *arguments)

    def sipe(self, name: str, result: Any, *arguments: Any) -> Any:
        """A function of the plugin."""
        return self._typed(self._sipe, name, result, *arguments)

    @staticmethod
    def _typed(library: ctypes.CDLL, name: str, result: Any, *arguments: Any) -> Any:
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
        return function

    def _mend_xml(self) -> None:
        """Have the plugin read XML where libxml2 calls no handler of SAX1 that is marked as one of SAX2.

        Debian's libxml2 has been so since a security update; the plugin is older. Its handlers are a table in its data,
        in which the mark stands behind 27 pointers: another number there says that it is of SAX1.
        """
        parse, free = (
            self.sipe("sipe_xml_parse", _pointer, _text, ctypes.c_size_t),
            self.sipe("sipe_xml_free", None, _pointer),
        )

        def reads() -> bool:
            node = parse(b"<a/>", 4)
            if node:
                free(node)
            return bool(node)

        if reads():
            return
        with open("/proc/self/maps") as maps:
            areas = [
                line.split()[0].split("-") for line in maps if line.rstrip().endswith("/libsipe.so") and " rw" in line
            ]
        for start, end in ((int(low, 16), int(high, 16)) for low, high in areas):
            data = ctypes.string_at(start, end - start)
            for found in re.finditer(re.escape(_SAX2), data):
                ctypes.c_uint32.from_address(start + found.start()).value = 1
                if reads():
                    return
                ctypes.c_uint32.from_address(start + found.start()).value = int.from_bytes(_SAX2, "little")
        raise SystemExit("the plugin reads no XML here")

    # Signals ---------------------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        handle = ctypes.create_string_buffer(8)
        _kept.append(handle)

        def on(source: str, signal: str, *arguments: Any) -> Callable[[Callable[..., None]], None]:
            instance = self.purple(source, _pointer)()
            connect = self.purple(
                "purple_signal_connect", ctypes.c_ulong, _pointer, _text, _pointer, _pointer, _pointer
            )

            def register(function: Callable[..., None]) -> None:
                function = called(None, *arguments)(function)
                connect(instance, signal.encode(), ctypes.addressof(handle), ctypes.cast(function, _pointer), None)

            return register

        conversations, connections = "purple_conversations_get_handle", "purple_connections_get_handle"
        kind = self.purple("purple_conversation_get_type", _int, _pointer)

        def created(conversation: int, _: int) -> None:
            if kind(conversation) == _CHAT:
                self.chat = conversation
                tell("chat")

        def said(account: int, who: bytes, text: bytes, conversation: int, flags: int, _: int) -> None:
            tell("said", who=plain(who), text=plain(text))

        def entered(conversation: int, who: bytes, flags: int, new: int, _: int) -> None:
            tell("entered", who=plain(who), presenter=bool(flags & _PRESENTER))

        def changed(conversation: int, who: bytes, old: int, new: int, _: int) -> None:
            tell("role", who=plain(who), presenter=bool(new & _PRESENTER))

        def left(conversation: int, who: bytes, why: bytes, _: int) -> None:
            tell("left", who=plain(who))

        on(conversations, "conversation-created", _pointer, _pointer)(created)
        on(conversations, "wrote-chat-msg", _pointer, _text, _text, _pointer, _int, _pointer)(said)
        on(conversations, "chat-buddy-joined", _pointer, _text, _int, _int, _pointer)(entered)
        on(conversations, "chat-buddy-flags", _pointer, _text, _int, _int, _pointer)(changed)
        on(conversations, "chat-buddy-left", _pointer, _text, _text, _pointer)(left)
        on(connections, "signed-on", _pointer, _pointer)(lambda connection, _: tell("signed on"))
        on(connections, "connection-error", _pointer, _int, _text, _pointer)(
            lambda connection, code, text, _: tell("error", text=plain(text))
        )

    # Account ---------------------------------------------------------------------------------------------------------

    def _log_in(self, server: str, user: str) -> int:
        account: int = self.purple("purple_account_new", _pointer, _text, _text)(f"{user},".encode(), b"prpl-sipe")
        put = self.purple("purple_account_set_string", None, _pointer, _text, _text)
        for name, value in (
            ("server", server),
            ("transport", "tcp"),
            ("authentication", "ntlm"),
            ("encryption-policy", "disabled"),
        ):
            put(account, name.encode(), value.encode())
        self.purple("purple_account_set_bool", None, _pointer, _text, _int)(account, b"dont-publish", 1)
        self.purple("purple_account_set_password", None, _pointer, _text)(account, b"secret")
        self.purple("purple_accounts_add", None, _pointer)(account)
        self.purple("purple_account_set_enabled", None, _pointer, _text, _int)(account, _NAME, 1)
        status = self.purple("purple_savedstatus_new", _pointer, _text, _int)(None, _AVAILABLE)
        self.purple("purple_savedstatus_activate", None, _pointer)(status)
        return account

    def log_out(self) -> None:
        """Say goodbye, and give it a moment to leave."""
        self.purple("purple_account_set_enabled", None, _pointer, _text, _int)(self._account, _NAME, 0)
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            self.loop.turn(0.1)

    def do(self, line: str) -> None:
        """Carry out one command."""
        name, _, argument = line.strip().partition(" ")
        given = argument.encode()
        connection = self.purple("purple_account_get_connection", _pointer, _pointer)(self._account)
        core = self.purple("purple_connection_get_protocol_data", _pointer, _pointer)(connection)
        if name == "join":
            self.sipe("sipe_join_conference_with_uri", None, _pointer, _text)(self._account, given)
        elif name == "new":
            self.sipe("sipe_core_buddy_new_chat", None, _pointer, _text)(core, given)
        elif self.chat is None:
            tell("error", text="not in a chat")
        elif name == "say":
            chat = self.purple("purple_conversation_get_chat_data", _pointer, _pointer)(self.chat)
            self.purple("purple_conv_chat_send", None, _pointer, _text)(chat, given)
        else:
            session = self.sipe("sipe_purple_chat_get_session", _pointer, _pointer)(self.chat)
            self._in_session(name, core, session, given)

    def _in_session(self, name: str, core: int, session: int, given: bytes) -> None:
        if name in ("lock", "unlock"):
            lock = self.sipe("sipe_core_chat_modify_lock", None, _pointer, _pointer, _int)
            lock(core, session, name == "lock")
        elif name == "leave":
            self.sipe("sipe_core_chat_leave", None, _pointer, _pointer)(core, session)
        else:
            functions = {
                "leader": "sipe_core_conf_make_leader",
                "remove": "sipe_core_conf_remove_from",
                "invite": "sipe_core_chat_invite",
            }
            self.sipe(functions[name], None, _pointer, _pointer, _text)(core, session, given)


def main() -> None:
    """Until standard input ends."""
    user = User(sys.argv[1], sys.argv[2])
    os.set_blocking(0, False)
    waiting = b""
    while True:
        user.loop.turn(0.05)
        try:
            data = os.read(0, 4096)
        except BlockingIOError:
            continue
        if not data:
            break
        waiting += data
        *lines, waiting = waiting.split(b"\n")
        for line in lines:
            user.do(line.decode())
    user.log_out()
    os._exit(0)  # nothing is left to be saved, and the plugin frees what it still uses


if __name__ == "__main__":
    main()
