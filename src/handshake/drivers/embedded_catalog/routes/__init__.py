"""The routes, one file per area of Consul's API: each takes a request apart, asks, and prints the answer."""
