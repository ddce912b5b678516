"""The edge's pure rooms."""
