"""`handshake site`: a file for each verb."""
