"""The gateway room, with nothing running."""
