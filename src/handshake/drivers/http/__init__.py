"""HTTP servers and clients: a server in a thread, and a region read through the home node."""
