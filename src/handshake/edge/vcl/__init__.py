"""The cache: the serve phase, routing and caching as VCL."""
