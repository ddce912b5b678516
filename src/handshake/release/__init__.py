"""Releases: their contents, storage, provenance, signatures and retention."""
