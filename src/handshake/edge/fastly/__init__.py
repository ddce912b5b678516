"""The policy at Fastly: one VCL service that decides both phases, and the containers of its live data."""
