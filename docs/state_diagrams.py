"""Draw the state machines from their tables: one SVG each in ``_static/states``, and the page that shows them.

``python docs/state_diagrams.py`` writes the files, ``--check`` says whether they are up to date, ``--dot`` prints all
machines for Graphviz.
"""

import enum
import sys
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from c3p import REPLICA, REQUEST_LIFE
from focus.client.state import CLIENT as FOCUS_CLIENT
from focus.mcus.intent import INTENT
from focus.mcus.link_state import LINK
from focus.mcus.relay import RELAY
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
}

_ROW, _BOX, _LANE = 64, 150, 26  # pixels: distance of states, width of their boxes, distance of arcs


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


def svg(table: Table) -> str:
    """Draw one machine: states in a column, steps down on the right, steps back on the left."""
    states = states_of(table)
    place = {state: number for number, state in enumerate(states)}
    found = edges(table)
    down = sorted((e for e in found if place[e[0]] < place[e[1]]), key=lambda e: place[e[1]] - place[e[0]])
    back = sorted((e for e in found if place[e[0]] > place[e[1]]), key=lambda e: place[e[0]] - place[e[1]])
    left = 60 + _LANE * len(back) + 7 * max((len(text) for e in back for text in found[e]), default=0)
    body = [
        '<defs><marker id="a" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z"/></marker></defs>'
    ]
    widest = 0
    for side, ordered in ((1, down), (-1, back)):
        x = left + _BOX if side > 0 else left
        for lane, edge in enumerate(ordered, start=1):
            y0, y1 = place[edge[0]] * _ROW + 30 + 6 * side, place[edge[1]] * _ROW + 30 - 6 * side
            far = x + side * lane * _LANE
            text = ", ".join(found[edge])
            widest = max(widest, far + 7 * len(text) if side > 0 else 0)
            body.append(f'<path d="M{x},{y0} H{far} V{y1} H{x + side * 2}" class="e" marker-end="url(#a)"/>')
            anchor = "start" if side > 0 else "end"
            body.append(f'<text x="{far + side * 4}" y="{(y0 + y1) // 2}" text-anchor="{anchor}">{escape(text)}</text>')
    for state in states:
        y = place[state] * _ROW + 10
        loop = found.get((state, state))
        body.append(f'<rect x="{left}" y="{y}" width="{_BOX}" height="40" rx="8"/>')
        middle = left + _BOX // 2
        body.append(f'<text x="{middle}" y="{y + (18 if loop else 25)}" class="s">{escape(name_of(state))}</text>')
        if loop:
            body.append(f'<text x="{middle}" y="{y + 33}" class="l">{escape(", ".join(loop))[:34]}</text>')
    width, height = max(widest, left + _BOX) + 20, len(states) * _ROW + 10
    style = (
        "text{font:11px sans-serif;fill:#333}.s{font-weight:bold;text-anchor:middle}"
        ".l{text-anchor:middle;font-size:9px}"
        "rect{fill:#eef4fb;stroke:#3b6ea5}.e{fill:none;stroke:#888}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
        f"<style>{style}</style>{''.join(body)}</svg>\n"
    )


def dot(title: str, table: Table) -> str:
    """Write one machine for Graphviz."""
    lines = [
        f'  "{name_of(before)}" -> "{name_of(after)}" [label="{", ".join(inputs)}"];'
        for (before, after), inputs in edges(table).items()
    ]
    return "\n".join([f'digraph "{title}" {{', *lines, "}"])


def page() -> str:
    """Write the page."""
    lines = [
        "State machines",
        "==============",
        "",
        "Drawn by ``docs/state_diagrams.py`` from the tables that the code runs on. An input that a state has no",
        "arrow for is refused when our own side gives it, and ignored when a peer or a timer does. An input written",
        "in the box of a state leaves it there.",
    ]
    for title, (module, table) in MACHINES.items():
        lines += ["", title, "-" * len(title), "", f"Table in ``{module}``.", ""]
        lines += [f".. image:: _static/states/{slug(title)}.svg", f"   :alt: {title}", ""]
        lines += [".. list-table::", "   :header-rows: 1", "", "   * - State", "     - Input", "     - Next"]
        for (before, given), after in table.items():
            lines += [f"   * - {name_of(before)}", f"     - {name_of(given)}", f"     - {name_of(after)}"]
    return "\n".join(lines) + "\n"


def files() -> dict[Path, str]:
    """Return everything that is generated."""
    here = Path(__file__).parent
    drawn = {here / "_static" / "states" / f"{slug(title)}.svg": svg(table) for title, (_, table) in MACHINES.items()}
    return {here / "state-machines.rst": page(), **drawn}


def main(arguments: list[str]) -> int:
    """Do what the arguments say; 1 when ``--check`` finds something out of date."""
    if "--dot" in arguments:
        print("\n".join(dot(title, table) for title, (_, table) in MACHINES.items()))
        return 0
    stale = [path for path, text in files().items() if not path.exists() or path.read_text() != text]
    for path in stale:
        if "--check" not in arguments:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files()[path])
        print(f"{'out of date' if '--check' in arguments else 'written'}: {path.name}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
