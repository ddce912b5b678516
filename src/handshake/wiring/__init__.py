"""Names -> drivers: the only place that knows which vendor does what. Everything here is put together, nothing decided.

`campaign` is what most verbs act with. What one process alone needs stands apart, so that no verb imports it: the agent's
parts in `node`, the leader's in `leading`, the routers' in `routing`; and what a ban needs is all that `live_data` imports.
"""
