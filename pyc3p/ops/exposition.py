"""Measures as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from pyc3p.ops.families import Family, merged


class _Given(Collector):
    """Families that were collected already."""

    def __init__(self, families: Sequence[Family]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        for family in self._families:
            metric = Metric(family.name, family.help, family.kind)
            for suffix, labels, value in family.samples:
                metric.add_sample(family.name + suffix, labels, value)
            yield metric


def exposition(families: Iterable[Family], accept: str = "") -> tuple[bytes, str]:
    """The text, and its Content-Type, in the format that ``accept`` (the header) wants."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given(merged(families)))
    ProcessCollector(registry=registry)  # memory, file descriptors and CPU of this process
    encoder, content_type = choose_encoder(accept)
    return encoder(registry), content_type
