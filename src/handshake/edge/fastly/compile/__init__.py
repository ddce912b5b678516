"""Both phases of the policy as the VCL and the containers of a Fastly service."""
