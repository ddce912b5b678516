"""The door: the admit phase as a HAProxy configuration."""
