"""events: they really want to go to Philadelphia."""
