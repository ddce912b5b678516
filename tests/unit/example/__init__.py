"""Checks of the example campaign: its recipes, descriptions and built sites."""
