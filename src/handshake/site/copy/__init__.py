"""The fallback copy: chosen pages of the edge, published as a site for the time when nothing answers."""
