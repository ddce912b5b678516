"""The renderer: pages from a template release and live content."""
