"""The policy's phase admit as a HAProxy configuration."""
