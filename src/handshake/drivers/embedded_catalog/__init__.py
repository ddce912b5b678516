"""The embedded catalogue: a separate process that implements the subset of Consul's HTTP API that the campaign uses."""
