"""Session descriptions as real programs write them. Addresses and keys are changed."""

from __future__ import annotations

_KEY = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"


def crlf(text: str) -> bytes:
    return text.strip().replace("\n", "\r\n").encode() + b"\r\n"


COMMUNICATOR_2005 = crlf("""
v=0
o=- 0 0 IN IP4 192.0.2.44
s=session
c=IN IP4 192.0.2.44
b=CT:1000
t=0 0
m=audio 5050 RTP/AVP 97 111 112 6 0 8 4 5 3 101
k=base64:c29tZSBwaHJhc2U
a=rtpmap:97 red/8000
a=rtpmap:111 SIREN/16000
a=fmtp:111 bitrate=16000
a=rtpmap:112 G7221/16000
a=fmtp:112 bitrate=24000
a=rtpmap:6 DVI4/16000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:4 G723/8000
a=rtpmap:5 DVI4/8000
a=rtpmap:3 GSM/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=encryption:optional
m=video 5036 RTP/AVP 34 31
k=base64:c29tZSBwaHJhc2U
a=rtpmap:34 H263/90000
a=rtpmap:31 H261/90000
a=encryption:optional
""")

COMMUNICATOR_2007 = crlf(f"""
v=0
o=- 0 0 IN IP4 192.0.2.50
s=session
c=IN IP4 192.0.2.50
b=CT:99980
t=0 0
m=audio 50006 RTP/AVP 114 111 112 115 116 4 8 0 97 13 118 101
a=candidate:4hz0lSNXJrSnDIALcPFlbsPbR9UCnzdLK2PCDzjbIns 1 lSVgAaCsQVFRaTXaFKLtiA UDP 0.830 192.0.2.50 50006\x20
a=candidate:4hz0lSNXJrSnDIALcPFlbsPbR9UCnzdLK2PCDzjbIns 2 lSVgAaCsQVFRaTXaFKLtiA UDP 0.830 192.0.2.50 50007\x20
a=cryptoscale:1 client AES_CM_128_HMAC_SHA1_80 inline:{_KEY}|2^31|1:1
a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:{_KEY}|2^31|1:1
a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:{_KEY[::-1]}|2^31
a=maxptime:200
a=rtcp:50007
a=rtpmap:114 x-msrta/16000
a=fmtp:114 bitrate=29000
a=rtpmap:111 SIREN/16000
a=fmtp:111 bitrate=16000
a=rtpmap:112 G7221/16000
a=fmtp:112 bitrate=24000
a=rtpmap:115 x-msrta/8000
a=fmtp:115 bitrate=11800
a=rtpmap:116 AAL2-G726-32/8000
a=rtpmap:4 G723/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:97 RED/8000
a=rtpmap:13 CN/8000
a=rtpmap:118 CN/16000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=encryption:optional
""")

LYNC_2010 = crlf(f"""
v=0
o=- 0 1 IN IP4 192.0.2.60
s=session
c=IN IP4 192.0.2.60
b=CT:99980
t=0 0
a=x-devicecaps:audio:send,recv;video:send,recv
m=audio 21000 RTP/SAVP 117 104 114 9 112 111 0 103 8 116 115 97 13 118 101
a=ice-ufrag: 6nxO
a=ice-pwd: cCmZTvyMI9rlW1oAqJQ5rWpF
a=candidate:1 1 UDP 2130706431 192.0.2.60 21000 typ host\x20
a=candidate:2 1 TCP-PASS 174455295 192.0.2.61 54321 typ relay raddr 192.0.2.60 rport 21000\x20
a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:{_KEY}|2^31|1:1
a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:{_KEY[::-1]}|2^31
a=maxptime:200
a=rtcp:21001
a=rtcp-mux
a=rtcp-rsize
a=rtcp-fb:* x-message app send:dsh recv:dsh
a=label:main-audio
a=x-source:main-audio
a=x-ssrc-range:2882399233-2882399233
a=rtpmap:117 G722/8000/2
a=rtpmap:104 SILK/16000
a=rtpmap:114 x-msrta/16000
a=fmtp:114 bitrate=29000
a=rtpmap:9 G722/8000
a=rtpmap:112 G7221/16000
a=rtpmap:111 SIREN/16000
a=rtpmap:0 PCMU/8000
a=rtpmap:103 SILK/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:116 AAL2-G726-32/8000
a=rtpmap:115 x-msrta/8000
a=rtpmap:97 RED/8000
a=rtpmap:13 CN/8000
a=rtpmap:118 CN/16000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=encryption:required
m=video 0 RTP/AVP 34
m=applicationsharing 0 TCP/RTP/SAVP 127
""")

LINPHONE_ANSWER = crlf("""
v=0
o=bob 1234 2345 IN IP4 192.0.2.70
s=Talk
c=IN IP4 192.0.2.70
t=0 0
m=audio 7078 RTP/AVP 0 101
a=rtpmap:101 telephone-event/8000
a=rtcp:7079
""")

BARESIP_OFFER = crlf("""
v=0
o=- 3763453201 1172094573 IN IP4 192.0.2.71
s=-
c=IN IP4 192.0.2.71
t=0 0
a=tool:baresip 1.0.0
m=audio 16410 RTP/AVP 0 8 101
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=rtcp:16411
a=sendrecv
a=label:1
a=rtcp-rsize
a=ssrc:2930583102 cname:sip:bob@example.com
a=ptime:20
""")

PIDGIN_WITHOUT_MEDIA = b"v=0\no=- 0 0 IN IP4 (null)\ns=session\nc=IN IP4 (null)\nt=0 0\nm=audio 0 TCP/RTP/AVP\n"

INSTANT_MESSAGES = crlf("""
v=0
o=- 0 0 IN IP4 192.0.2.80
s=session
c=IN IP4 192.0.2.80
t=0 0
m=x-ms-message 5080 sip null
a=accept-types:text/plain text/html
""")

SIPP_ANSWER = crlf("""
v=0
o=user1 53655765 2353687637 IN IP4 192.0.2.90
s=-
c=IN IP4 192.0.2.90
t=0 0
m=audio 6000 RTP/AVP 0
a=rtpmap:0 PCMU/8000
""")

ALL = {
    "communicator-2005": COMMUNICATOR_2005,
    "communicator-2007": COMMUNICATOR_2007,
    "lync-2010": LYNC_2010,
    "linphone": LINPHONE_ANSWER,
    "baresip": BARESIP_OFFER,
    "pidgin": PIDGIN_WITHOUT_MEDIA,
    "messages": INSTANT_MESSAGES,
    "sipp": SIPP_ANSWER,
}
