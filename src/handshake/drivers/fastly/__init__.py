"""Fastly, through its own client."""
