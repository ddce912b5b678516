"""`handshake edge`: what changes at the edge without a release, a file per verb."""
