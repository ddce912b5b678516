"""The policy without an edge: evaluated, explained, tested, and replayed over an access log."""
