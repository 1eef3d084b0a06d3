"""The conference's MCUs: links, state, relayed commands, their part of the roster."""
