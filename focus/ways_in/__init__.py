"""Ways into a conference that bring media: a call to one of its MCUs, and a plain phone at its dial-in number."""
