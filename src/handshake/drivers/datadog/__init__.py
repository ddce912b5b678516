"""Datadog's own protocols."""
