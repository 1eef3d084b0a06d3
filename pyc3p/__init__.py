"""The reference application: command line, server, demonstration, simulated network, tracing."""
