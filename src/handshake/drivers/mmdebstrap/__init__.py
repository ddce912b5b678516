"""Debian packages, unpacked by mmdebstrap."""
