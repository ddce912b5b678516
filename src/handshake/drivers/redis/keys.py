"""The keys of the content store that are no documents."""

FILLED = "content:filled"
"""Written with the first documents. Without it the store is an empty one, not one without pages."""
