"""The edge: one typed policy, compiled for the ingress (HAProxy) and the cache (Varnish), and simulated."""
