"""The edge: one typed policy, compiled for the door (HAProxy) and the cache (Varnish), and simulated."""
