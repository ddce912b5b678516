"""The catalogue's driver: Consul's HTTP API, spoken to the embedded agent and to Consul alike."""
