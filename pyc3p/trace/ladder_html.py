"""A ladder as one HTML page in which a message opens on click: no server, no script, nothing that is fetched.

Each message has a place of its own in the page, which is seen while the address of the page ends with its name
(``:target``). So the keyboard does what the mouse does, and an address that is passed on shows the same message.
"""

from __future__ import annotations

from typing import Final
from xml.sax.saxutils import escape

from pyc3p.trace.ladder import Item, Ladder, Remark, Step
from pyc3p.trace.ladder_svg import printable, render_svg

_STYLE: Final = """
:root{color-scheme:light}
body{margin:0;background:#fff;color:#1f2328;font-family:ui-sans-serif,system-ui,"Segoe UI",Arial,sans-serif}
main{overflow-x:auto}
main svg{display:block}
aside{display:none;position:fixed;right:0;top:0;bottom:0;width:min(46rem,100vw);box-sizing:border-box;overflow:auto;
padding:1rem 1.25rem;background:#fff;border-left:1px solid #8c959f;box-shadow:-4px 0 18px rgba(31,35,40,.15)}
aside:target{display:block}
h1{font-size:1rem;margin:.2rem 0 .6rem}
p{margin:.3rem 0;color:#57606a;font-size:.85rem}
nav{display:flex;gap:1rem;font-size:.9rem}nav a{color:#0b5fa5}nav .close{margin-left:auto}
pre{margin:.8rem 0 0;white-space:pre-wrap;overflow-wrap:anywhere;font:12px/1.45 ui-monospace,Menlo,Consolas,monospace}
li{margin:.2rem 0}
"""
#: Whatever a peer has sent stands there as text; that nothing of it is carried out does not hang on that alone.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def render_html(ladder: Ladder, *, title: str = "Ladder", subtitle: str = "") -> str:
    """The page; ``title`` and ``subtitle`` stand above the ladder."""
    places = [place for place, item in enumerate(ladder.items) if isinstance(item, Step)]
    svg = render_svg(ladder, title=title, subtitle=subtitle, link=lambda place: f"#m{place}")
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(printable(title))}</title><style>{_STYLE}</style></head>",
        f"<body><main>{svg}</main>",
        *(_message(ladder.items, places, number) for number in range(len(places))),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _message(items: list[Item], places: list[int], number: int) -> str:
    place = places[number]
    step = items[place]
    assert isinstance(step, Step)
    back = f'<a href="#m{places[number - 1]}">← earlier</a>' if number else ""
    forth = f'<a href="#m{places[number + 1]}">later →</a>' if number + 1 < len(places) else ""
    stage = f"step {step.number}, " if step.number else ""
    ends = f"{stage}{step.at:.3f} s, {step.source} → {step.target} ({step.transport})"
    notes = "".join(f"<li>{escape(printable(each.text))}</li>" for each in _notes_after(items, place))
    return (
        f'<aside id="m{place}"><nav>{back}{forth}<a class="close" href="#ladder">close</a></nav>'
        f"<h1>{escape(printable(step.label))} {escape(printable(step.detail))}</h1><p>{escape(printable(ends))}</p>"
        f"{f'<ul>{notes}</ul>' if notes else ''}<pre>{escape(printable(step.message))}</pre></aside>"
    )


def _notes_after(items: list[Item], place: int) -> list[Remark]:
    """The notes that stand under a step."""
    notes: list[Remark] = []
    for item in items[place + 1 :]:
        if not isinstance(item, Remark):
            break
        notes.append(item)
    return notes
