"""Fleets: how a service's instances are replaced, decided by one pure function (`engine.plan`)."""
