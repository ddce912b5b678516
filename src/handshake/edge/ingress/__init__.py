"""The ingress: the HAProxy in front, which evaluates phase admit."""
