"""Objects in a directory: one region of a laptop, or of a machine that keeps its own files."""
