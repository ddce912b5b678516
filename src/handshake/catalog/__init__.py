"""The catalogue as every room sees it: keys, entries, watches, sessions, endpoints, and the Protocol."""
