"""The catalogue: keys, entries, watches, sessions, endpoints, and the Protocol."""
