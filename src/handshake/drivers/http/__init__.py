"""Serving HTTP from a thread of a process that does other things too."""
