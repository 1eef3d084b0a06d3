"""A mutant: a machine of ours with one small mistake, to see whether the kit finds it."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Sequence
from pathlib import Path

import attrs

ROOT = Path(__file__).resolve().parents[2]


@attrs.frozen(kw_only=True)
class Mutant:
    """One mistake: a text that stands once in a module, and what stands there instead."""

    name: str
    suite: str  #: whose cases find it (``suites.SUITES``)
    module: str
    old: str
    new: str
    select: tuple[str, ...] = ()  #: of a suite over sockets: the cases that are tried

    @property
    def path(self) -> Path:
        """The file that is changed."""
        return ROOT.joinpath(*self.module.split(".")).with_suffix(".py")

    def mutated(self) -> str:
        """The module with the mistake; raises ValueError where the text does not stand exactly once."""
        source = self.path.read_text()
        if source.count(self.old) != 1:
            raise ValueError(f"{self.name}: {self.old!r} stands {source.count(self.old)} times in {self.module}")
        return source.replace(self.old, self.new)


class MutatedImport(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Lets one module be imported with its mistake. Before anything of its package is."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._mutant.module:
            return None
        return importlib.util.spec_from_file_location(fullname, self._mutant.path, loader=self)

    def exec_module(self, module: types.ModuleType) -> None:
        code = compile(self._mutant.mutated(), str(self._mutant.path), "exec", dont_inherit=True)
        exec(code, module.__dict__)

    def install(self) -> None:
        """From now on."""
        assert self._mutant.module not in sys.modules, "the module is imported already"
        sys.meta_path.insert(0, self)
