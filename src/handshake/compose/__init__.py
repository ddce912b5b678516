"""Puts drivers and features together: one function per process. Nothing is decided here."""
