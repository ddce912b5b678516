"""The cache: Varnish, which decides phase serve, routes sites and keeps pages."""
