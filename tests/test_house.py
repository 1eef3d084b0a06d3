"""The plan of the house: only doors from outside, no circles inside, one hand on every state, no endless modules.

Each rule is a function from a tree of sources to its breaches. It is held for this tree, and shown to find a breach
in a small tree made for that. What is not yet as it should be is listed here by name. The lists only get shorter: an
entry that is no longer needed fails the test too.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
PROTOCOLS: Final = ("c3p", "sip", "rtp", "focus", "mcu")
PACKAGES: Final = (*PROTOCOLS, "pyc3p")
PLACES: Final = (*PACKAGES, "tests", "benchmarks", "examples", "fuzz", "docs")

#: What may be imported from outside a package: the package itself and these parts of it.
DOORS: Final = frozenset(
    (
        *PACKAGES,
        *(f"{package}.{part}" for package in PACKAGES for part in ("aio", "testing")),
        *("pyc3p.simnet", "pyc3p.simulate", "pyc3p.elements", "pyc3p.trace", "pyc3p.phone", "pyc3p.state"),
        "pyc3p.conform",
        "pyc3p.farm",  # an older name of pyc3p.elements.farm
        "pyc3p.elements.event_loop",  # what tests with real sockets run on
        *("sip.testing.scenes", "pyc3p.simnet.hostile"),  # scenes to play, each a plan and a way to play it
        "pyc3p.cli",
    )
)
#: What is neither product nor test and is about the inside of packages all the same.
ABOUT_THE_INSIDE: Final = {
    "benchmarks.conference_load": "measures elements one by one, on real sockets",
    "benchmarks.mcu_mixer": "measures the mix apart from the MCU",
    "benchmarks.media_plane": "measures the media plane apart from the MCU",
    "benchmarks.soak": "watches the media plane apart from the MCU",
    "benchmarks.rtp_packets": "measures every SRTP profile of the table",
    "benchmarks.under_attack": "measures turns of the loop of an element on real sockets",
    "docs.state_diagrams": "draws the tables of the state machines",
    "fuzz.serving": "is the command that serves, with gauges",
    "fuzz.sip_message": "runs every parser of the header table",
    "fuzz.talking": "is a presenter and two phones at once",
}
#: Tests of several packages at once, which may look inside any.
TESTS_OF_ALL: Final = ("interop", "simulation", "altered")

#: Circles that are two halves of one concept; any that lies within one of these is allowed.
ONE_CONCEPT: Final = (
    frozenset(("c3p.conference.info", "c3p.conference.merge")),
    frozenset(("mcu.conference", "mcu.leg")),
)
#: Parts of the pretended networks know one another.
PRETENDED: Final = ("sip.testing.", "pyc3p.simnet.")

#: What is said here of functions is what ``--help`` shows.
HELP: Final = frozenset(("pyc3p.commands.command_line", "pyc3p.commands.conform_line", "pyc3p.commands.fuzz_line"))

LONGEST: Final = 400  #: lines of a module: what one can read in one go


class Tree:
    """Python sources below a folder, by the names of their modules."""

    def __init__(self, root: Path) -> None:
        self.paths = {
            ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
            for place in PLACES
            for path in sorted((root / place).rglob("*.py"))
        }
        self.parsed = {module: ast.parse(path.read_text()) for module, path in self.paths.items()}
        # Several rules ask for the same thing, and once for every import.
        self._imports: dict[str, list[tuple[str, str | None]]] = {}
        self._shown: dict[str, frozenset[str]] = {}

    def __repr__(self) -> str:
        """In the words of a test that failed: pytest would print every source otherwise, for minutes."""
        return f"Tree of {len(self.paths)} modules"

    def imports(self, module: str) -> list[tuple[str, str | None]]:
        """Every import of a module, in functions and under ``TYPE_CHECKING`` too: the source, and the name taken."""
        if module not in self._imports:
            self._imports[module] = list(self._read_imports(module))
        return self._imports[module]

    def shown(self, door: str) -> frozenset[str]:
        """The names that a door shows."""
        if door not in self._shown:
            self._shown[door] = self._read_shown(door)
        return self._shown[door]

    def _read_imports(self, module: str) -> Iterator[tuple[str, str | None]]:
        for node in ast.walk(self.parsed[module]):
            if isinstance(node, ast.ImportFrom):
                source = self._source(module, node)
                shown = self.shown(source)
                for each in node.names:
                    inner = f"{source}.{each.name}"
                    yield (inner, None) if inner in self.paths and each.name not in shown else (source, each.name)
            elif isinstance(node, ast.Import):
                for each in node.names:
                    yield each.name, None

    def _source(self, module: str, node: ast.ImportFrom) -> str:
        """What an import is from, relative ones made absolute."""
        if not node.level:
            return node.module or ""
        parts = module.split(".")
        if self.paths[module].name == "__init__.py":
            parts = [*parts, "__init__"]
        return ".".join([*parts[: -node.level], *([node.module] if node.module else [])])

    def _read_shown(self, door: str) -> frozenset[str]:
        found: set[str] = set()
        for node in self.parsed[door].body if door in self.parsed else ():
            if isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets) and node.value:
                    found |= {str(each.value) for each in ast.walk(node.value) if isinstance(each, ast.Constant)}
        return frozenset(found)


def past_doors(tree: Tree) -> list[str]:
    """Imports from the inside of another package, where no reason is known.

    A test may import the inside of the package that it is about, for names that the door does not show.
    """
    found = []
    for module in tree.paths:
        here = module.split(".")
        for source, name in tree.imports(module):
            package = source.split(".")[0]
            if package not in PACKAGES or package == here[0] or source in DOORS or module in ABOUT_THE_INSIDE:
                continue
            about = here[0] == "tests" and (len(here) == 2 or here[1] in (package, "pyc3p", *TESTS_OF_ALL))
            if not about or (name is not None and name in tree.shown(package)):
                found.append(f"{module} imports {name or 'all'} from {source}")
    return found


def circles(tree: Tree) -> list[frozenset[str]]:
    """Sets of modules of one package each of which leads to all the others by imports."""
    edges = {
        module: {
            source
            for source, _ in tree.imports(module)
            if source in tree.paths and source != module and source.split(".")[0] == module.split(".")[0]
        }
        for module in tree.paths
        if module.split(".")[0] in PACKAGES
    }
    reach = {module: _reached(module, edges) for module in edges}
    rings = {frozenset(other for other in reach[module] if module in reach[other]) for module in edges}
    return sorted((ring for ring in rings if ring), key=sorted)


def _reached(start: str, edges: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = list(edges[start])
    while waiting:
        module = waiting.pop()
        if module not in seen:
            seen.add(module)
            waiting += edges[module]
    return seen


def excuse(ring: frozenset[str]) -> str | None:
    """Why a circle is there; None when nobody knows."""
    if any(ring <= pair for pair in ONE_CONCEPT):
        return "one concept"
    if any(all(module.startswith(part) for module in ring) for part in PRETENDED):
        return "pretended network"
    return None


def states_assigned(tree: Tree) -> Counter[str]:
    """How often each module moves a machine past its table: assigns an attribute ``state``, outside of ``Life``."""
    found: Counter[str] = Counter()
    for module, parsed in tree.parsed.items():
        if module.split(".")[0] not in PACKAGES:
            continue
        lives = [node for node in ast.walk(parsed) if isinstance(node, ast.ClassDef) and node.name == "Life"]
        inside = {id(node) for life in lives for node in ast.walk(life)}
        for node in ast.walk(parsed):
            if id(node) in inside or not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Store):
                continue
            found[module] += node.attr in ("state", "_state")
    return +found


def too_long(tree: Tree) -> list[str]:
    """Modules that nobody reads in one go."""
    return [
        f"{module} has {lines} lines"
        for module, path in tree.paths.items()
        if module.split(".")[0] in PACKAGES and (lines := len(path.read_text().splitlines())) > LONGEST
    ]


def cut_in_pieces(tree: Tree) -> dict[str, str]:
    """Classes that are one class in two modules: a base that no door shows, with one heir, which is elsewhere.

    What only says what somebody can do (a protocol, or nothing but abstract methods) is no piece of anything.
    """
    heirs: dict[str, list[str]] = {}
    promises = {f"{module}.{each.name}" for module, parsed in tree.parsed.items() for each in _promises(parsed)}
    for module, parsed in tree.parsed.items():
        package = module.split(".")[0]
        taken = {name: source for source, name in tree.imports(module) if name is not None}
        classes = [node for node in ast.walk(parsed) if isinstance(node, ast.ClassDef)] if package in PACKAGES else []
        for node in classes:
            for base in node.bases:
                name = ast.unparse(base).partition("[")[0]
                source = taken.get(name, module)
                if source.split(".")[0] == package and name not in tree.shown(package):
                    heirs.setdefault(f"{source}.{name}", []).append(f"{module}.{node.name}")
    return {
        base: heir
        for base, (heir, *more) in heirs.items()
        if not more
        and base not in promises
        and base.rpartition(".")[0] in tree.paths
        and base.rpartition(".")[0] != heir.rpartition(".")[0]
    }


def _promises(parsed: ast.Module) -> Iterator[ast.ClassDef]:
    """Classes without work of their own."""
    for node in ast.walk(parsed):
        if isinstance(node, ast.ClassDef):
            methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
            abstract = [each for each in methods if any("abstract" in ast.unparse(by) for by in each.decorator_list)]
            protocol = any(ast.unparse(base).startswith("Protocol") for base in node.bases)
            if protocol or (methods and len(abstract) == len(methods)):
                yield node


def names_shown_inside(tree: Tree) -> list[str]:
    """Modules that say which names they show, and are no door: inside a package whoever needs a name takes it."""
    return [
        module
        for module, path in tree.paths.items()
        if module.split(".")[0] in PACKAGES
        and path.name != "__init__.py"
        and module not in DOORS
        and any(
            isinstance(target, ast.Name) and target.id == "__all__"
            for node in tree.parsed[module].body
            for target in ast.walk(node)
        )
    ]


def silent_raises(tree: Tree) -> list[str]:
    """Public functions and methods that raise and do not say so.

    A method without a docstring has that of the method which it overrides; a class speaks for its ``__init__``.
    """
    said: dict[str, set[str]] = {}
    found: list[tuple[str, str, list[str]]] = []
    for module, parsed in tree.parsed.items():
        if module.split(".")[0] not in PACKAGES or ".testing" in module or module in HELP:
            continue
        for owner, function in _public(parsed):
            text = ast.get_docstring(function) or ""
            if function.name == "__init__" and owner is not None:
                text += ast.get_docstring(owner) or ""
            if "raise" in text.lower():
                said.setdefault(function.name, set()).add(owner.name if owner is not None else "")
            elif _raises(function):
                bases = [ast.unparse(base).partition("[")[0] for base in owner.bases] if owner and not text else []
                name = f"{owner.name}.{function.name}" if owner else function.name
                found.append((f"{module}.{name}", function.name, bases))
    return [name for name, method, bases in found if said.get(method, set()).isdisjoint(bases)]


def _public(parsed: ast.Module) -> Iterator[tuple[ast.ClassDef | None, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Functions of a module, and methods of its classes, that others may call."""
    for node in parsed.body:
        owner = node if isinstance(node, ast.ClassDef) and not node.name.startswith("_") else None
        functions = [
            each
            for each in ([node] if owner is None else owner.body)
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        for each in functions:
            if not each.name.startswith("_") or (owner is not None and each.name in ("__init__", "__bytes__")):
                yield owner, each


def _raises(function: ast.AST) -> bool:
    """Whether a function raises an error itself, not one that it has caught, and not in a function within it."""
    for node in ast.iter_child_nodes(function):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(node, ast.Raise) and node.exc is not None:
            return True
        if _raises(node):
            return True
    return False


@cache
def this_tree() -> Tree:
    return Tree(ROOT)


def a_tree(root: Path, **sources: str) -> Tree:
    """A tree of some modules: ``sip__message="..."`` is ``sip/message.py``."""
    for name, text in sources.items():
        path = root.joinpath(*name.split("__")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "sip").mkdir(exist_ok=True)
    (root / "sip" / "__init__.py").write_text('__all__ = ["Uri"]\n')
    return Tree(root)


# One: doors


def test_packages_are_entered_by_their_doors() -> None:
    assert past_doors(this_tree()) == []


def test_what_is_about_the_inside_does_look_inside() -> None:
    for module in ABOUT_THE_INSIDE:
        sources = {source for source, _ in this_tree().imports(module) if source.split(".")[0] in PACKAGES}
        assert sources - DOORS, f"{module} needs no exception any more"


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("mcu__leg", "from sip.dialog import Dialog"),
        ("mcu__leg", "from sip import dialog"),
        ("mcu__leg", "import sip.dialog"),
        ("mcu__leg", "def f():\n    from sip.dialog import Dialog"),
        (
            "pyc3p__phone__phone",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from sip.dialog import Dialog",
        ),
        ("benchmarks__speed", "from sip.dialog import Dialog"),
        ("tests__mcu__test_leg", "from sip.dialog import Dialog"),
        ("tests__sip__test_uri", "from sip.dialog import Uri"),
    ],
)
def test_an_import_past_a_door_is_found(where: str, line: str, tmp_path: Path) -> None:
    assert len(past_doors(a_tree(tmp_path, sip__dialog="", **{where: line}))) == 1


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("mcu__leg", "from sip import Uri\nfrom sip.testing import Network\nimport sip.aio"),
        ("sip__session", "from sip.dialog import Dialog"),
        ("tests__sip__test_dialog", "from sip.dialog import Dialog"),
    ],
)
def test_an_import_by_a_door_or_of_what_a_test_is_about_is_none(where: str, line: str, tmp_path: Path) -> None:
    assert past_doors(a_tree(tmp_path, sip__dialog="", **{where: line})) == []


# Two: circles


def test_no_modules_import_one_another_in_a_circle() -> None:
    assert [sorted(ring) for ring in circles(this_tree()) if excuse(ring) is None] == []


@pytest.mark.parametrize(
    "back",
    [
        "from sip.dialog import Dialog",
        "from sip import dialog",
        "from . import dialog",
        "from .dialog import Dialog",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import sip.dialog",
    ],
)
def test_a_circle_is_found(back: str, tmp_path: Path) -> None:
    tree = a_tree(
        tmp_path, sip__dialog="import sip.uri", sip__uri="import sip.usage", sip__usage=back, sip__x="import sip.uri"
    )
    assert circles(tree) == [frozenset(("sip.dialog", "sip.uri", "sip.usage"))]
    assert excuse(circles(tree)[0]) is None


def test_a_circle_that_goes_beyond_one_concept_is_not_excused() -> None:
    assert excuse(frozenset(("mcu.conference", "mcu.leg"))) is not None
    assert excuse(frozenset(("mcu.conference", "mcu.leg", "mcu.mcu"))) is None
    assert excuse(frozenset(("sip.testing.network", "sip.endpoint.pump"))) is None


# Three: one hand on every state

#: Assignments past ``Life``, by module. A number may only sink.
PAST_LIFE: Final[Mapping[str, int]] = {}


def test_states_are_assigned_by_life_alone() -> None:
    assert dict(states_assigned(this_tree()) - Counter(PAST_LIFE)) == {}, "these move a machine past its table"


def test_the_list_of_assignments_is_no_longer_than_it_need_be() -> None:
    assert dict(Counter(PAST_LIFE) - states_assigned(this_tree())) == {}, "these are gone: strike them from the list"


def test_an_assignment_of_a_state_is_found(tmp_path: Path) -> None:
    life = "class Life:\n    def follow(self, given):\n        self.state = self._table[self.state, given]\n"
    machine = (
        "class Dialog:\n    def end(self):\n        self.state = 1\n        self._state, self.x = 1, 2\n"
        "        self.leg.state: int = 3\n        self.estate = 4\n"
    )
    assert states_assigned(a_tree(tmp_path, sip__life=life, sip__dialog=machine, tests__sip__test_x=machine)) == {
        "sip.dialog": 3
    }


# Four: sizes


def test_modules_can_be_read_in_one_go() -> None:
    assert too_long(this_tree()) == []


def test_a_long_module_is_found(tmp_path: Path) -> None:
    tree = a_tree(tmp_path, sip__long="x = 1\n" * (LONGEST + 1), sip__fits="x = 1\n" * LONGEST)
    assert too_long(tree) == [f"sip.long has {LONGEST + 1} lines"]


#: Classes that are in pieces all the same, and why (docs/design-decisions.rst): each is one page of commands to its
#: user, of which a class that held the part would write every signature a second time.
IN_PIECES: Final = {
    "focus.client.conferencing.ConferenceCommands": "one method a command, beside the client's own life",
    "sip.endpoint.durable.DurableDialogs": "what a restart needs of an endpoint, which knows its dialogs alone",
    "sip.endpoint.transparent.TransparentCommands": "commands of proxies, which know Forwarding and Receiver alone",
    "sip.message.header_values.HeaderValues": "one property a header, beside what a message does",
    "sip.session.commands.SessionCommands": "commands of sessions, which know Sessions alone",
    "sip.subscription.commands.SubscriptionCommands": "commands of subscriptions, which know Subscriptions alone",
}


def test_classes_are_whole() -> None:
    assert set(cut_in_pieces(this_tree())) - set(IN_PIECES) == set(), "make one of them hold the other"


def test_the_list_of_classes_in_pieces_is_no_longer_than_it_need_be() -> None:
    assert set(IN_PIECES) - set(cut_in_pieces(this_tree())) == set(), "these are whole: strike them from the list"


def test_a_class_in_pieces_is_found(tmp_path: Path) -> None:
    base, heir = (
        "class Commands: ...\nclass Uri: ...",
        "from sip.commands import Commands, Uri\nclass Endpoint(Commands, Uri): ...",
    )
    assert cut_in_pieces(a_tree(tmp_path, sip__commands=base, sip__endpoint=heir)) == {
        "sip.commands.Commands": "sip.endpoint.Endpoint"
    }
    promise = "class Commands(Protocol):\n    def call(self): ...\nclass Uri: ..."
    assert cut_in_pieces(a_tree(tmp_path / "promised", sip__commands=promise, sip__endpoint=heir)) == {}
    assert cut_in_pieces(a_tree(tmp_path, sip__other=heir.replace("Endpoint", "Other"))) == {}


# Six: one hand


def test_only_doors_say_what_they_show() -> None:
    assert names_shown_inside(this_tree()) == []


def test_a_list_of_names_inside_is_found(tmp_path: Path) -> None:
    tree = a_tree(tmp_path, sip__uri='__all__ = ["Uri"]\n', sip__aio='__all__ = ["uris"]\n', sip__x="a = 1")
    assert names_shown_inside(tree) == ["sip.uri"]


def test_what_raises_is_said() -> None:
    assert silent_raises(this_tree()) == []


def test_what_raises_in_silence_is_found(tmp_path: Path) -> None:
    text = '''
class Port:
    def take(self):
        """Take it; raises ValueError."""

    def give(self):
        """Give it back."""
        if self:
            raise ValueError

    def lend(self):
        """Lend it; raises ValueError."""
        raise ValueError

    def _own(self):
        raise ValueError

    def pass_on(self):
        """Pass on what was caught."""
        try:
            self.lend()
        except ValueError:
            raise

class Berth(Port):
    def take(self):
        raise ValueError
'''
    assert silent_raises(a_tree(tmp_path, sip__port=text)) == ["sip.port.Port.give"]
