"""What all usages share (RFC 3261 sections 8, 12 and 16): dialogs, requests, answers, routing, forwarding."""
