"""Lists and switches: their entries, leases, formats, storage and changes."""
