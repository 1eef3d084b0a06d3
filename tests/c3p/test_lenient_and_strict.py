"""Values: lenient on receipt, strict on emission; unknown content survives in its place."""

from __future__ import annotations

from contextlib import suppress

import attrs
import pytest

from c3p import (
    AddUser,
    Code,
    ConferenceDescription,
    ConferenceInfo,
    ConferenceKeys,
    ConferenceState,
    DocumentLimits,
    DocumentTooLarge,
    Endpoint,
    Extra,
    GetConference,
    LocalProtocolError,
    MalformedDocument,
    Media,
    Notify,
    RegisterMcu,
    Request,
    Unknown,
    UnknownCommand,
    UriEntry,
    User,
    Users,
    parse_document,
)
from c3p.binding.node import Placed, Trimming
from c3p.testing import FOCUS_URI

CI = "urn:ietf:params:xml:ns:conference-info"


def info(body: str, attributes: str = "") -> ConferenceInfo:
    document = parse_document(
        f'<conference-info xmlns="{CI}" entity="{FOCUS_URI}" {attributes}>{body}</conference-info>'.encode()
    )
    assert isinstance(document, ConferenceInfo)
    assert parse_document(bytes(document)) == document
    return document


def test_unknown_content_comes_back_in_its_place() -> None:
    body = (
        '<users state="full"><user entity="sip:a"><x:before xmlns:x="urn:x" x:y="1">t<z/>u</x:before>'
        '<display-text xml:lang="en">A</display-text><between/><endpoint entity="1"/><after a="b"/>'
        '<endpoint entity="2"/></user></users>'
    )
    text = bytes(info(body)).decode()
    order = [text.index(name) for name in ("<before", "xml:lang", "between", 'entity="1"', "<after", 'entity="2"')]
    assert order == sorted(order)
    assert '<before xmlns="urn:x" xmlns:x0="urn:x" x0:y="1">t<ci:z/>u</before>' in text


def test_unknown_content_of_a_later_generation_keeps_its_separators() -> None:
    body = (
        '<conference-description><cis:separator xmlns:cis="urn:ietf:params:xml:ns:conference-info-separator"/>'
        '<new xmlns="urn:x"/></conference-description>'
    )
    assert '<cis:separator/><new xmlns="urn:x"/>' in bytes(info(body)).decode()


def test_word_that_is_no_value_is_kept_and_not_believed() -> None:
    found = info('<users state="full"/><conference-state><locked>perhaps</locked></conference-state>', 'version="new"')
    assert found.version is None
    assert found.conference_state
    assert found.conference_state.locked is None
    assert found.extra.attribute("version") == "new"
    text = bytes(attrs.evolve(found, version=3)).decode()
    assert text.count("version=") == 1


def test_second_element_of_a_kind_that_stands_once_is_unknown_content() -> None:
    found = info("<conference-description><subject>a</subject><subject>b</subject></conference-description>")
    assert found.description
    assert found.description.subject == "a"
    unknown = found.description.extra.find(f"{{{CI}}}subject")
    assert unknown
    assert unknown.text == "b"


def test_text_with_elements_in_it_is_unknown_content() -> None:
    found = info("<conference-description><subject>a<b/></subject></conference-description>")
    assert found.description
    assert found.description.subject is None


def test_wrapper_keeps_what_it_does_not_know() -> None:
    found = info(
        '<conference-description><conf-uris state="partial" note="n"><entry><uri>sip:a</uri></entry><other/>'
        "</conf-uris><conf-uris/></conference-description>"
    )
    assert found.description
    assert found.description.conf_uris_state == "partial"
    text = bytes(found).decode()
    assert '<conf-uris state="partial" note="n"><entry><uri>sip:a</uri></entry><other/></conf-uris>' in text


def test_empty_wrapper_is_written_for_its_state() -> None:
    description = ConferenceDescription(conf_uris_state="deleted")
    text = bytes(ConferenceInfo(entity="", description=description)).decode()
    assert '<conf-uris state="deleted"></conf-uris>' in text


def test_qualified_and_unqualified_attribute_together_do_not_clash() -> None:
    text = (
        '<request xmlns="urn:ietf:params:xml:ns:cccp" requestId="1" from="a" to="b">'
        '<getConference mcuUri="sip:one" m:mcuUri="sip:two" xmlns:m="http://schemas.microsoft.com/rtc/2005/08/cccpextensions"/>'
        "</request>"
    )
    document = parse_document(text.encode())
    assert isinstance(document, Request)
    assert document.command.mcu_uri == "sip:two"
    assert parse_document(bytes(document)) == document


def test_document_that_says_utf16_and_is_utf8_is_read() -> None:
    text = f'<?xml version="1.0" encoding="utf-16"?>\n<!-- c --><conference-info xmlns="{CI}" entity="sip:zoë"/>'
    document = parse_document(text.encode())
    assert isinstance(document, ConferenceInfo)
    assert document.entity == "sip:zoë"


TEXT = f'<conference-info xmlns="{CI}" entity="sip:zoë" state="full" version="1"/>'


@pytest.mark.parametrize("declaration", ["", '<?xml version="1.0" encoding="utf-16"?>', '<?xml version="1.0"?>\n'])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-8"])
def test_utf16_with_its_mark_and_utf8_are_read(encoding: str, declaration: str) -> None:
    text = declaration + TEXT
    data = text.encode(encoding) if not encoding.endswith("e") else ("\ufeff" + text).encode(encoding)
    document = parse_document(data)
    assert isinstance(document, ConferenceInfo)
    assert document.entity == "sip:zoë"
    assert parse_document(bytes(document)) == document


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-32"),
        TEXT.encode("latin-1"),
        b"\xff\xfe" + TEXT.encode("utf-16-le")[:-1],
        b"\xff\xfe\x00\xd8" + TEXT.encode("utf-16-le"),
        b"\xff\xfe",
        ("<!DOCTYPE a>" + TEXT).encode("utf-16"),
        ("\ufeff" + TEXT).encode("utf-16"),
    ],
    ids=["no mark", "utf-32", "latin-1", "cut", "half a pair", "nothing", "doctype", "two marks"],
)
def test_other_encodings_and_broken_utf16_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedDocument):
        parse_document(data)


def test_white_space_may_stand_before_the_root_but_not_before_a_declaration() -> None:
    assert isinstance(parse_document(b" \r\n\t" + TEXT.encode()), ConferenceInfo)
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        with pytest.raises(MalformedDocument):
            parse_document(('\n<?xml version="1.0"?>' + TEXT).encode(encoding))


@pytest.mark.parametrize("number", ["twelve", "-1", "+1", "", "1.0", "0x10", "1 2", "١٢"])
def test_a_request_id_is_a_number(number: str) -> None:
    kinds = (
        f'<request requestId="{number}" from="a" to="b"><getConference/></request>',
        f'<response requestId="{number}" from="a" to="b" code="success"/>',
    )
    for text in kinds:
        with pytest.raises(MalformedDocument):
            parse_document(text.encode())
    with pytest.raises(LocalProtocolError):
        bytes(Request(request_id=number, from_="a", to="b", command=GetConference()))


@pytest.mark.parametrize("number", ["0", "007", " 12 ", "98765432101"])
def test_a_request_id_is_echoed_as_it_came(number: str) -> None:
    document = parse_document(f'<request requestId="{number}" from="a" to="b"><getConference/></request>'.encode())
    assert isinstance(document, Request)
    assert document.respond(Code.SUCCESS).request_id == number.strip()


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE a><conference-info entity=""/>',
        '<?xml version="1.0"?><!-- a --><?b c?> <!DOCTYPE a [<!ENTITY x "y">]><conference-info entity="&x;"/>',
        '<!DOCTYPE a SYSTEM "http://192.0.2.1/a.dtd"><conference-info entity=""/>',
        '<conference-info entity=""><!DOCTYPE a></conference-info>',
        '<conference-info entity="&undefined;"/>',
        "<!-- never closed",
        "<?never closed",
        "<!-- closed -->",
        "<?closed ?>",
        '\ufeff\ufeff<!DOCTYPE a><conference-info entity=""/>',
        ' \n<!DOCTYPE a><conference-info entity=""/>',
    ],
)
def test_document_type_and_entities_are_refused(text: str) -> None:
    with pytest.raises(MalformedDocument):
        parse_document(text.encode())


def test_too_large_and_too_deep_have_their_own_answer() -> None:
    nested = "<a>" * 70 + "</a>" * 70
    for data, limits in (
        (b" " * 11, DocumentLimits(size=10)),
        (f'<conference-info entity="">{nested}</conference-info>'.encode(), DocumentLimits()),
    ):
        with pytest.raises(DocumentTooLarge) as caught:
            parse_document(data, limits=limits)
        assert (caught.value.status_hint, caught.value.reason_hint) == (413, "requestTooLarge")


def test_nesting_up_to_the_limit_is_kept() -> None:
    nested = "<a>" * 63 + "</a>" * 63
    info(nested)


@pytest.mark.parametrize(
    "document",
    [
        ConferenceInfo(entity="sip:\x00"),
        ConferenceInfo(entity=FOCUS_URI, description=ConferenceDescription(subject="\ud800")),
        ConferenceInfo(entity=FOCUS_URI, description=ConferenceDescription(subject=1)),  # type: ignore[arg-type]
        ConferenceInfo(entity=FOCUS_URI, version=-1),
        ConferenceInfo(entity=FOCUS_URI, version=True),
        ConferenceInfo(entity=FOCUS_URI, static="yes"),  # type: ignore[arg-type]
        ConferenceInfo(entity=FOCUS_URI, state=" full"),
        ConferenceInfo(entity=FOCUS_URI, users=User(entity="sip:a")),  # type: ignore[arg-type]
        ConferenceInfo(entity=FOCUS_URI, users="users"),  # type: ignore[arg-type]
        Request(request_id="1", from_="a", to="b", command=None),  # type: ignore[arg-type]
        ConferenceInfo(entity=FOCUS_URI, users=Users(users=(Endpoint(entity="1"), None))),  # type: ignore[arg-type]
        ConferenceInfo(entity=FOCUS_URI, extra=Extra((("a b", "c"),))),
        ConferenceInfo(entity=FOCUS_URI, extra=Extra((), (Placed(Unknown("a/><b")),))),
        ConferenceInfo(entity=FOCUS_URI, extra=Extra((), (Placed(Unknown("a", (), ("\x01",))),))),
        ConferenceInfo(entity=FOCUS_URI, extra=Extra((), (Placed(Unknown("a", (), (1,))),))),  # type: ignore[arg-type]
        Request(request_id="", from_="a", to="b", command=UnknownCommand(element=Unknown("c"))),
        Request(
            request_id="1",
            from_="a",
            to="b",
            command=AddUser(conference_keys=ConferenceKeys(), user=None),  # type: ignore[arg-type]
        ),
        Request(
            request_id="1",
            from_="a",
            to="b",
            command=AddUser(conference_keys=None, user=User(), extra=Extra((), (Placed(Unknown("c")),))),  # type: ignore[arg-type]
        ),
        Request(request_id="1", from_="a", to="b", command=RegisterMcu(mcu_id="")),
    ],
)
def test_what_cannot_be_written_is_a_clear_error(document: Request | ConferenceInfo) -> None:
    with pytest.raises(LocalProtocolError):
        bytes(document)


def test_code_that_is_none_is_refused() -> None:
    document = parse_document(b'<response requestId="1" from="a" to="b" code="success"/>')
    with pytest.raises(LocalProtocolError):
        bytes(attrs.evolve(document, code="success"))  # type: ignore[call-arg, type-var]


def test_markup_in_values_is_escaped() -> None:
    nasty = "a\"'<b>&\r\n\t]]>"
    entity = 'sip:a"<>&'
    document = ConferenceInfo(entity=entity, description=ConferenceDescription(subject=nasty))
    again = parse_document(bytes(document))
    assert again == document


def test_trimmings_of_items_that_are_gone_are_not_written() -> None:
    roles = '<roles><entry a="b">x</entry></roles>'
    found = info(f'<users><user entity="sip:a">{roles}<display-text c="d">y</display-text></user></users>')
    assert found.users
    user = attrs.evolve(found.users.users[0], roles=(), display_text=None)
    assert bytes(ConferenceInfo(entity="", users=Users(users=(user,)))).count(b"entry") == 0


def test_unknown_content_after_items_that_are_gone_is_written_at_their_place() -> None:
    found = info('<users><user entity="sip:a"/><user entity="sip:b"/><z/></users>')
    assert found.users
    text = bytes(ConferenceInfo(entity="", users=attrs.evolve(found.users, users=found.users.users[:1]))).decode()
    assert text.index("sip:a") < text.index("<z/>")


def test_unknown_content_of_a_field_that_does_not_exist_is_written_last() -> None:
    extra = Extra((), (Placed(Unknown("{urn:x}z"), "elsewhere"),), (Trimming("elsewhere", 0, (("a", "b"),)),))
    assert bytes(ConferenceInfo(entity="", users=Users(), extra=extra)).endswith(
        b'<users/><z xmlns="urn:x"/></conference-info>'
    )


@pytest.mark.parametrize(
    "data",
    [
        b"<conference-info entity=''>" + b"<a>" * 60 + b"<b/>" * 200_000 + b"</a>" * 60 + b"</conference-info>",
        b"<conference-info entity='' " + b" ".join(b'a%d=""' % n for n in range(90_000)) + b"/>",
        b"<conference-info entity='' " + b" ".join(b'xmlns:a%d="b%d"' % (n, n) for n in range(40_000)) + b"/>",
        b"<!--" * 260_000,
        b"<?a?>" * 200_000,
        b"<conference-info entity=''><users>" + b"<user entity='u'/><x/>" * 45_000 + b"</users></conference-info>",
        b"<request requestId='1' from='a' to='b'>" + b"<x/>" * 200_000 + b"</request>",
    ],
    ids=["elements", "attributes", "namespaces", "comments", "instructions", "interleaved", "commands"],
)
def test_hostile_shapes_end_soon(data: bytes) -> None:
    # Linear work over at most 1 MiB; where it was quadratic, the time limit of all tests ended it.
    with suppress(MalformedDocument):
        bytes(parse_document(data))


def test_entry_without_uri_and_media_without_id_are_accepted() -> None:
    found = info(
        "<conference-description><conf-uris><entry/></conf-uris></conference-description>"
        '<users><user entity="sip:a"><endpoint entity="1"><media/></endpoint></user></users>'
    )
    assert found.description
    assert found.description.conf_uris == (UriEntry(),)
    assert found.users
    assert found.users.users[0].endpoints[0].media == (Media(),)


def test_notify_needs_its_document() -> None:
    with pytest.raises(LocalProtocolError):
        bytes(Notify(notification_id=1, from_="a", to="b", conference_info=None))  # type: ignore[arg-type]


def test_empty_conference_state_is_kept() -> None:
    assert info("<conference-state/>").conference_state == ConferenceState()


def test_child_that_stands_once_and_came_twice_keeps_the_first() -> None:
    found = info('<users state="full"/><users state="partial"/>')
    assert found.users
    assert (found.users.state, len(found.extra.elements)) == ("full", 1)


def test_entries_with_elements_in_them_are_kept() -> None:
    found = info('<users><user entity="sip:a"><roles><entry>x</entry><entry><b/></entry></roles></user></users>')
    assert found.users
    assert found.users.users[0].roles == ("x",)


def test_unknown_command_is_written_with_its_current_values() -> None:
    text = '<request requestId="1" from="a" to="b"><playPrompt mcuUri="sip:m" reason="r" x="y"/></request>'
    document = parse_document(text.encode())
    assert isinstance(document, Request)
    moved = attrs.evolve(document, command=attrs.evolve(document.command, mcu_uri="sip:n", reason=None))
    assert b'mcuUri="sip:n" x="y"/>' in bytes(moved)
    bare = UnknownCommand(element=Unknown("z"), mcu_uri="sip:m", reason="r")
    assert b'<z xmlns="" reason="r" mscp:mcuUri="sip:m"/>' in bytes(attrs.evolve(document, command=bare))
    assert document.command.echo("notSupported").reason == "notSupported"


def test_too_many_attributes_on_one_element_are_refused() -> None:
    attributes = " ".join(f'a{number}=""' for number in range(300))
    with pytest.raises(DocumentTooLarge):
        parse_document(f'<conference-info entity="" {attributes}/>'.encode())


REQUEST = b'<request xmlns="urn:ietf:params:xml:ns:cccp" requestId="1" from="sip:a@b" to="sip:c@d"><x>%s</x></request>'


@pytest.mark.parametrize(
    "inside",
    [
        pytest.param(b"<a/>" * 250_000, id="elements"),
        pytest.param(b"<!---->" * 100_000, id="comments"),
        pytest.param(b'<a b=""/>' * 19_000 + b"<a b='' c=''/>" * 900, id="attributes of elements"),
        pytest.param((b"<a " + b" ".join(b'a%d=""' % n for n in range(250)) + b"/>") * 300, id="attributes"),
    ],
)
def test_a_document_of_more_parts_than_any_roster_has_is_refused(inside: bytes) -> None:
    with pytest.raises(DocumentTooLarge):
        parse_document(REQUEST % inside)


def test_what_only_looks_like_elements_and_attributes_may_be_there_as_often_as_elements() -> None:
    words = b"it's &lt;b&gt; and <![CDATA[<b c='d'>]]>" * 1_000
    assert isinstance(parse_document(REQUEST % words), Request)
