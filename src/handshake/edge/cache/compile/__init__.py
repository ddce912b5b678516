"""The policy's phase serve, routing and caching as VCL."""
