"""The app-INVITE document (MS-CONFBAS)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from c3p import C3PError, ConferencingInvite, FirstIm, OfferedMedia
from c3p.testing import FOCUS_URI, nodes

PRINTED = f"""<Conferencing version="2.0"><focus-uri>{FOCUS_URI}</focus-uri><subject></subject>
<im available="true"><first-im/></im><audio available="true"/><conversation-id>AbCd=</conversation-id></Conferencing>"""


def test_document_of_the_protocol_page() -> None:
    invite = ConferencingInvite.parse(PRINTED.encode())
    assert invite == ConferencingInvite(
        focus_uri=FOCUS_URI,
        im=OfferedMedia(first_im=FirstIm()),
        audio=OfferedMedia(),
        conversation_id="AbCd=",
    )
    assert bytes(invite).startswith(b'<Conferencing version="2.0"><focus-uri>')


@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(nodes(ConferencingInvite))
def test_what_is_written_is_read_back_the_same(invite: ConferencingInvite) -> None:
    assert ConferencingInvite.parse(bytes(invite)) == invite


@pytest.mark.parametrize("subject", ["R & D", "a < b", "&nbsp;", "</subject>"])
def test_a_subject_that_nobody_escaped_is_text(subject: str) -> None:
    text = PRINTED.replace("<subject></subject>", f"<subject>{subject}</subject>")
    assert ConferencingInvite.parse(text.encode()).subject == subject


@pytest.mark.parametrize("text", ["", "<a/>", "<Conferencing/>", "<Conferencing><focus-uri/></Conferencing>"])
def test_what_is_no_invitation_is_refused(text: str) -> None:
    with pytest.raises(C3PError):
        ConferencingInvite.parse(text.encode())


@given(st.binary(max_size=100))
def test_arbitrary_bytes_raise_c3p_error(data: bytes) -> None:
    with pytest.raises(C3PError):
        ConferencingInvite.parse(data)
