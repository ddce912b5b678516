"""Instances behind a plain load balancer: its health check, and permits for replacement."""
