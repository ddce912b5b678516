"""Wheels from a Python package index, by pip."""
