"""`handshake edge`: changes at the edge that need no release; a file per verb."""
