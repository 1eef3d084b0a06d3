"""Draw the state machines from their tables: one SVG each in ``_static/states``, and the page that shows them.

``python docs/state_diagrams.py`` writes the files, for which it needs Graphviz (Debian: ``graphviz``); ``--check`` says
whether they are up to date, ``--dot`` prints all machines as Graphviz reads them. The files are in the repository, so
that the documentation is built without Graphviz.
"""

import enum
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from c3p import REPLICA, REQUEST_LIFE
from focus.client.state import CLIENT as FOCUS_CLIENT
from focus.mcus.intent import INTENT
from focus.mcus.link_state import LINK
from focus.mcus.relay import RELAY
from mcu.door import DOOR
from mcu.leg_state import TRANSITIONS as LEG
from pyc3p.placement.member import MEMBER
from rtp.sdp.offer_answer_session import TRANSITIONS as OFFER_ANSWER
from sip.core.dialog import DIALOG
from sip.core.keep_alive import KEEP_ALIVE
from sip.session.tables import SESSION
from sip.subscription.tables import NOTIFIER, SUBSCRIBER
from sip.transactions.tables import TABLES
from sip.ua.call_state import CALL

Table = Mapping[tuple[Any, Any], Any]

MACHINES: dict[str, tuple[str, Table]] = {
    **{f"SIP: {name} transaction": ("sip.transactions.tables", table) for name, table in TABLES.items()},
    "SIP: dialog": ("sip.core.dialog", DIALOG),
    "SIP: flow that is kept alive": ("sip.core.keep_alive", KEEP_ALIVE),
    "SIP: INVITE session, both sides": ("sip.session.tables", SESSION),
    "SIP: subscription, the notifier": ("sip.subscription.tables", NOTIFIER),
    "SIP: subscription, the subscriber": ("sip.subscription.tables", SUBSCRIBER),
    "SIP: call of a user agent": ("sip.ua.call_state", CALL),
    "RTP: offer and answer": ("rtp.sdp.offer_answer_session", OFFER_ANSWER),
    "C3P: life of a request": ("c3p.request_life", REQUEST_LIFE),
    "C3P: replica of a conference": ("c3p.conference.replica", REPLICA),
    "Focus: relayed command": ("focus.mcus.relay", RELAY),
    "Node among others": ("pyc3p.placement.member", MEMBER),
    "Focus: what is wanted of an MCU": ("focus.mcus.intent", INTENT),
    "Focus: link to an MCU": ("focus.mcus.link_state", LINK),
    "Focus: client": ("focus.client.state", FOCUS_CLIENT),
    "MCU: leg": ("mcu.leg_state", LEG),
    "MCU: door": ("mcu.door", DOOR),
}


def name_of(member: enum.Enum) -> str:
    """Return what a state or input is called in the pictures."""
    return member.value if isinstance(member.value, str) else member.name.lower().replace("_", " ")


def edges(table: Table) -> dict[tuple[enum.Enum, enum.Enum], list[str]]:
    """Return the inputs that lead from one state to another."""
    found: dict[tuple[enum.Enum, enum.Enum], list[str]] = {}
    for (before, given), after in table.items():
        found.setdefault((before, after), []).append(name_of(given))
    return found


def states_of(table: Table) -> list[enum.Enum]:
    """Return the states that occur, in the order of their class."""
    used = {state for state, _ in table} | set(table.values())
    return [state for state in type(next(iter(used))) if state in used]


def slug(title: str) -> str:
    """Return a file name for a machine."""
    return "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split())


def dot(title: str, table: Table) -> str:
    """Write one machine for Graphviz: from top to bottom, inputs beside their arrows, one in a line."""
    lines = [
        f'digraph "{title}" {{',
        "  rankdir=TB; ranksep=0.45; nodesep=0.35; bgcolor=transparent;",
        '  node [shape=box, style="rounded,filled", fillcolor="#eef4fb", color="#3b6ea5", fontname="Helvetica",'
        " fontsize=13, margin=0.14];",
        '  edge [color="#777777", fontcolor="#333333", fontname="Helvetica", fontsize=10, arrowsize=0.7];',
    ]
    states = states_of(table)
    ends = {
        state for state in states if all(before is not state or after is state for (before, _), after in table.items())
    }
    lines += [f'  "{name_of(state)}" [penwidth=2.5];' for state in states if state in ends]
    for (before, after), inputs in edges(table).items():
        label = "".join(f"{each}\\l" for each in inputs)
        lines.append(f'  "{name_of(before)}" -> "{name_of(after)}" [label="{label}"];')
    return "\n".join([*lines, "}"])


def svg(title: str, table: Table) -> str:
    """Have Graphviz draw one machine; what it was drawn from stays in it, so that ``--check`` needs no Graphviz."""
    source = dot(title, table)
    drawn = subprocess.run(["dot", "-Tsvg"], input=source, capture_output=True, text=True, check=True).stdout
    picture = re.sub(r"<!--.*?-->\n?|<\?xml.*?\?>\n?|<!DOCTYPE.*?>\n?", "", drawn, flags=re.DOTALL)
    return f"{picture.rstrip()}\n{source_in_comment(source)}\n"


def source_in_comment(source: str) -> str:
    """Return the text of a graph as a comment of XML, which may not have two hyphens in a row."""
    return f"<!-- {source.replace('->', '=>')} -->"


def page() -> str:
    """Write the page."""
    lines = [
        "State machines",
        "==============",
        "",
        "Drawn by ``docs/state_diagrams.py`` from the tables that the code runs on. An input that a state has no",
        "arrow for is refused when our own side gives it, and ignored when a peer or a timer does. A state with a",
        "thick border is an end.",
    ]
    for title, (module, table) in MACHINES.items():
        lines += ["", title, "-" * len(title), "", f"Table in ``{module}``.", ""]
        lines += [f".. image:: _static/states/{slug(title)}.svg", f"   :alt: {title}", "   :class: states", ""]
        lines += [".. raw:: html", "", "   <details><summary>The same as a table</summary>", ""]
        lines += [".. list-table::", "   :header-rows: 1", "", "   * - State", "     - Input", "     - Next"]
        for (before, given), after in table.items():
            lines += [f"   * - {name_of(before)}", f"     - {name_of(given)}", f"     - {name_of(after)}"]
        lines += ["", ".. raw:: html", "", "   </details>"]
    return "\n".join(lines) + "\n"


HERE = Path(__file__).parent
PAGE = HERE / "state-machines.rst"


def picture_of(title: str) -> Path:
    """Return where the picture of a machine is."""
    return HERE / "_static" / "states" / f"{slug(title)}.svg"


def stale() -> list[Path]:
    """Return what does not show the tables as they are."""
    found = [] if PAGE.exists() and PAGE.read_text() == page() else [PAGE]
    for title, (_, table) in MACHINES.items():
        path = picture_of(title)
        if not path.exists() or source_in_comment(dot(title, table)) not in path.read_text():
            found.append(path)
    wanted = {picture_of(title) for title in MACHINES}
    return found + sorted(set(picture_of("x").parent.glob("*.svg")) - wanted)


def write() -> None:
    """Write the page and all pictures."""
    folder = picture_of("x").parent
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    for title, (_, table) in MACHINES.items():
        picture_of(title).write_text(svg(title, table))
    PAGE.write_text(page())


def main(arguments: list[str]) -> int:
    """Do what the arguments say; 1 when ``--check`` finds something out of date, 2 without Graphviz."""
    if "--dot" in arguments:
        print("\n".join(dot(title, table) for title, (_, table) in MACHINES.items()))
        return 0
    found = stale()
    for path in found:
        print(f"out of date: {path.name}")
    if "--check" in arguments or not found:
        return 1 if found else 0
    if shutil.which("dot") is None:
        print("Graphviz is not installed: it has the program dot, which draws the pictures")
        return 2
    write()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
