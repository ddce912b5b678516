"""Handshake: a small team's whole web presence on immutable infrastructure."""
