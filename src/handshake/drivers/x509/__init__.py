"""Certificates, by the cryptography library."""
