"""The policy at Fastly: one VCL service that evaluates both phases, and the containers of its live data."""
