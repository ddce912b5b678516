"""Drivers: one folder per vendor, each an implementation of a feature's Protocol."""
