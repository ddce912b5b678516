"""HAProxy, as the door and as the gateway: started, asked, changed at runtime, reloaded."""
