"""What goes over the wire: RTP, RTCP, extensions, payloads with structure."""
