"""Programs on this machine: supervised ones that outlive whoever started them, and ones that run to their end."""
