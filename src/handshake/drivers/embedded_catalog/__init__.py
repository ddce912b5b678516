"""The embedded catalogue: a process of its own that speaks the subset of Consul's HTTP API that the campaign uses."""
