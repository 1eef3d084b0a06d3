"""Measured values, as they go from a worker to its server and from there to whoever reads ``/metrics``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import attrs

from pyc3p.ops.histogram import Histogram

K = TypeVar("K", bound=tuple[str, ...])
Sample = tuple[str, dict[str, str], float]  #: suffix of the name, labels, value


@attrs.frozen
class Family:
    """All values of one name (the exposition formats of Prometheus)."""

    name: str  #: without the ``_total`` of counters
    kind: str  #: "counter", "gauge" or "histogram"
    help: str
    samples: tuple[Sample, ...]

    def packed(self) -> list[Any]:
        """As JSON can carry it."""
        return [self.name, self.kind, self.help, [list(sample) for sample in self.samples]]

    @classmethod
    def unpacked(cls, values: list[Any]) -> Family:
        """What ``packed`` gave."""
        name, kind, text, samples = values
        return cls(name, kind, text, tuple((suffix, dict(labels), value) for suffix, labels, value in samples))


def counter(name: str, text: str, values: Mapping[K, float], *labels: str, **fixed: str) -> Family:
    """A counter whose values have these labels, in the order of the keys, beside ``fixed`` ones."""
    samples = (("_total", fixed | dict(zip(labels, key, strict=True)), value) for key, value in values.items())
    return Family(name, "counter", text, tuple(samples))


def gauge(name: str, text: str, values: Mapping[K, float], *labels: str, **fixed: str) -> Family:
    """The same of a value that goes up and down."""
    samples = (("", fixed | dict(zip(labels, key, strict=True)), value) for key, value in values.items())
    return Family(name, "gauge", text, tuple(samples))


def histogram(name: str, text: str, values: Mapping[K, Histogram], *labels: str, **fixed: str) -> Family:
    """Times in buckets."""
    samples: list[Sample] = []
    for key, each in values.items():
        named = fixed | dict(zip(labels, key, strict=True))
        samples += [("_bucket", named | {"le": bound}, count) for bound, count in each.cumulative()]
        samples += [("_count", named, each.count), ("_sum", named, each.sum)]
    return Family(name, "histogram", text, tuple(samples))


def merged(families: Iterable[Family]) -> list[Family]:
    """Families of the same name as one. Values with the same labels (words that several machines count) are added."""
    found: dict[str, Family] = {}
    values: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = {}
    for each in families:
        found.setdefault(each.name, each)
        known = values.setdefault(each.name, {})
        for suffix, labels, value in each.samples:
            key = (suffix, tuple(labels.items()))
            known[key] = known.get(key, 0) + value
    return [
        attrs.evolve(
            each, samples=tuple((suffix, dict(labels), value) for (suffix, labels), value in values[name].items())
        )
        for name, each in found.items()
    ]
