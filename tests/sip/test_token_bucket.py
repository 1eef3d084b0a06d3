"""Rates by source."""

from sip import TokenBuckets


def test_a_burst_passes_then_the_rate_holds() -> None:
    buckets = TokenBuckets(rate=10.0, burst=3.0, limit=10)
    assert [buckets.take("a", now=0.0) for _ in range(4)] == [True, True, True, False]
    assert buckets.take("a", now=0.1)
    assert not buckets.take("a", now=0.1)


def test_sources_do_not_share() -> None:
    buckets = TokenBuckets(rate=1.0, burst=1.0, limit=10)
    assert buckets.take("a", now=0.0)
    assert buckets.take("b", now=0.0)
    assert not buckets.take("a", now=0.0)


def test_the_quietest_source_is_forgotten() -> None:
    buckets = TokenBuckets(rate=0.0, burst=1.0, limit=2)
    for source in ("a", "b", "a", "c"):
        buckets.take(source, now=0.0)
    assert len(buckets) == 2
    assert not buckets.take("a", now=0.0)  # b was forgotten, a was not
