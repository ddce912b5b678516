"""Tests without sleep, wall clock or network."""
