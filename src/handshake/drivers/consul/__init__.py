"""The catalogue's driver: Consul's HTTP API, for the embedded catalogue and for Consul."""
