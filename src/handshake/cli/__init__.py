"""The command line: one file per verb; each parses, calls, and prints for people or as JSON."""
