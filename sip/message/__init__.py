"""Messages: header list, requests, responses, parsing, editing, stream framing, multipart bodies."""
