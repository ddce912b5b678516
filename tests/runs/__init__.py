"""Runs of many tests: the phases of an ordinary run, soaks, and what takes longer than an ordinary run may."""
