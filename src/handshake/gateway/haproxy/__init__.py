"""The gateway policy in HAProxy's language: pure functions from policy to configuration tree."""
