"""The ingress: the HAProxy in front, which decides phase admit."""
