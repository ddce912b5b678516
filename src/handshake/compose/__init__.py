"""Puts drivers and features together: one function per process. No decisions are made here."""
