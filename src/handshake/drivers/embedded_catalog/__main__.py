"""`python -m handshake.drivers.embedded_catalog` starts the server."""

from handshake.drivers.embedded_catalog.server import main

if __name__ == "__main__":
    main()
