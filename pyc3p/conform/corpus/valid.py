"""Valid messages that few expect, after the descriptions of RFC 4475 and RFC 5118."""

from __future__ import annotations

from typing import Final

from pyc3p.conform.corpus.odd import CALL, CSEQ, FROM, HOPS, REGISTER, START, VIA, Odd, with_lines

VALID: Final = (
    Odd(
        name="tortuous",
        source="RFC 4475 section 3.1.1.1",
        text="White space, folding, escapes, short names and unknown fields are no fault wherever they may be.",
        lines=(
            START,
            "TO :\r\n  <{uri}>",
            'f  : "J Rosenberg \\\\\\""       <{me}>\r\n  ;\r\n  tag = {tag}',
            "MaX-fOrWaRdS: 0068",
            "i  : {call}",
            "CSeq: 0009\r\n  OPTIONS",
            "v:  SIP  / 2.0  / {rest}",
            "s :",
            "NewFangledHeader:   newfangled value\r\n continued newfangled value",
            "UnknownHeaderWithUnusualValue: ;;,,;;,;",
            'Accept: application / sdp\t, text/plain ; a = "\\"b"',
            "l: 0",
        ),
    ),
    Odd(
        name="no-blank-after-name",
        source="RFC 4475 section 3.1.1.6",
        text="A display name may stand directly before the bracket.",
        lines=with_lines((FROM, "From: caller<{me}>;tag={tag}")),
    ),
    Odd(
        name="long-values",
        source="RFC 4475 section 3.1.1.7",
        text="Long values are no fault.",
        lines=with_lines(
            (FROM, f'From: "{"I have a long display name " * 8}" <{{me}}>;tag={{tag}}'),
            (CALL, "Call-ID: {call}" + "." + "longcallid" * 20),
            more=(f"{'Unknown-Header-Of-Length' * 6}: {'unknown-value-of-length ' * 8}",),
        ),
        statuses=(513,),
        plain=True,
    ),
    Odd(
        name="unknown-transports",
        source="RFC 4475 section 3.1.1.10",
        text="Via of hops before may have transports that nobody knows.",
        lines=with_lines(
            (VIA, VIA),
            more=(
                "Via: SIP/2.0/SCTP t2.invalid;branch=z9hG4bKonetwothree",
                "Via: SIP/2.0/UNKNOWN t3.invalid;branch=z9hG4bKfourfive",
                "Via: SIP/2.0/TLS t4.invalid;branch=z9hG4bKsixseven",
            ),
        ),
    ),
    Odd(
        name="semicolon-in-user",
        source="RFC 4475 section 3.1.1.9",
        text="Semicolons in the user part of a URI begin no parameters of the URI: it is not malformed.",
        lines=with_lines(("OPTIONS {uri} SIP/2.0", "OPTIONS sip:user;par=u%40example.net@{domain} SIP/2.0")),
        statuses=(200, 401, 403, 404, 407, 480, 484, 405, 501),
    ),
    Odd(
        name="escaped-null",
        source="RFC 4475 section 3.1.1.4",
        text="An escaped null in a user part is a character like others: the URI is not malformed.",
        lines=with_lines(("OPTIONS {uri} SIP/2.0", "OPTIONS sip:null-%00-null@{domain} SIP/2.0")),
        statuses=(200, 401, 403, 404, 407, 480, 484, 405, 501),
    ),
    Odd(
        name="escapes-in-user",
        source="RFC 4475 section 3.1.1.3",
        text="Escapes in a user part are not malformed.",
        lines=with_lines(("OPTIONS {uri} SIP/2.0", "OPTIONS sip:sips%3Auser%40example.com@{domain} SIP/2.0")),
        statuses=(200, 401, 403, 404, 407, 480, 484, 405, 501),
    ),
    Odd(
        name="wide-range",
        source="RFC 4475 section 3.1.1.2",
        text="A method may be any token: it is unknown, and not malformed.",
        lines=(
            "!interesting-Method0123456789_*+`.%indeed'~ {uri} SIP/2.0",
            *with_lines(
                (CSEQ, "CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~"),
                (FROM, 'From: "token1~` token2\'+_ token3*%!.-" <{me}>;tag={tag}'),
                (START, None),
                more=("extensionHeader-!.%*+_`'~:\ufeff\u5927\u505c\u96fb",),
            ),
        ),
        statuses=(405, 501, 403, 404, 488, 401, 407, 481, 482, 500, 606),
        method="!interesting-Method0123456789_*+`.%indeed'~",
    ),
    Odd(
        name="escape-in-method",
        source="RFC 4475 section 3.1.1.5",
        text="A percent sign in a method is no escape: it is another method, and nothing is registered by it.",
        lines=with_lines(
            ("REGISTER sip:{domain} SIP/2.0", "RE%47IST%45R sip:{domain} SIP/2.0"),
            ("CSeq: 63104 REGISTER", "CSeq: 63104 RE%47IST%45R"),
            lines=REGISTER,
            more=("Contact: <{contact}>",),
        ),
        statuses=(405, 501, 403, 404, 488, 401, 407, 500, 606),
        method="RE%47IST%45R",
        only="registrar",
    ),
    Odd(
        name="contact-parameter",
        source="RFC 4475 section 3.3.12",
        text="A parameter behind the brackets is one of the Contact and not of its URI.",
        lines=(*REGISTER, "Contact: <{contact}>;unknownparam"),
        statuses=(200, 401),
        method="REGISTER",
        only="registrar",
    ),
    Odd(
        name="escaped-headers-in-contact",
        source="RFC 4475 section 3.3.14",
        text="A Contact may have escaped header fields in its URI.",
        lines=(*REGISTER, "Contact: <{contact}?Route=%3Csip:sip.invalid%3E>"),
        statuses=(200, 401, 400, 403, 488),
        method="REGISTER",
        only="registrar",
    ),
    Odd(
        name="rfc-2543",
        source="RFC 4475 section 3.4.1",
        text="A request of RFC 2543, whose branch begins otherwise, without Max-Forwards, is answered.",
        lines=with_lines((VIA, "Via: {via2543}"), (HOPS, None)),
    ),
    Odd(
        name="ipv6-in-fields",
        source="RFC 5118 section 4.1",
        text="IPv6 addresses in brackets may stand in any address.",
        lines=with_lines(
            (FROM, "From: <sip:user@[2001:db8::9:1]>;tag={tag}"), more=("Contact: <sip:caller@[2001:db8::1]>",)
        ),
    ),
    Odd(
        name="ipv6-and-ipv4",
        source="RFC 5118 section 4.7",
        text="Hops of both families may stand in one message.",
        lines=with_lines(
            more=(
                "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144",
                "Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.2.200",
            )
        ),
    ),
    Odd(
        name="ipv6-mapped",
        source="RFC 5118 section 4.9",
        text="An IPv4 address may stand as one of IPv6.",
        lines=with_lines(more=("Via: SIP/2.0/UDP [::ffff:192.0.2.2]:19823;branch=z9hG4bKas3-111",)),
    ),
)
