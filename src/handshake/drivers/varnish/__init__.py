"""Varnish as the cache."""
