"""Pointers: which release is live, and which places have acknowledged it."""
