"""Instances and GRUUs of Microsoft's clients."""

import pytest

from sip.servers.gruu import instance_of_epid, opaque_of_instance


def test_instance_of_an_epid() -> None:
    assert instance_of_epid("01010101") == "4b1682a8-f968-5701-83fc-7c6741dc6697"


@pytest.mark.parametrize(
    ("instance", "opaque"),
    [
        ("4b1682a8-f968-5701-83fc-7c6741dc6697", "user:epid:qIIWS2j5AVeD_HxnQdxmlwAA"),
        ("<urn:uuid:C1589240-E660-594F-A8B3-4B55F358CBC1>", "user:epid:QJJYwWDmT1mos0tV81jLwQAA"),
        ("urn:imei:90420156-025763-0", None),
    ],
)
def test_opaque_of_an_instance(instance: str, opaque: str | None) -> None:
    assert opaque_of_instance(instance) == opaque
