"""HAProxy, as the ingress and as the gateway: started, asked, changed at runtime, reloaded."""
