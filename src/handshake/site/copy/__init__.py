"""The fallback copy: selected pages of the edge, published as a site for outages."""
