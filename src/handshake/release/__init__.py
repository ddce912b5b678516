"""Releases: what they are made of, where they lie, who made and signed them, how long they are kept."""
