"""`handshake edge wall`: the wall and other lists, a file per verb."""
