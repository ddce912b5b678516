"""The cache: Varnish, which evaluates phase serve, routes sites and stores pages."""
