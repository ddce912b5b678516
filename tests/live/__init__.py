"""Tests with real programs on loopback."""
