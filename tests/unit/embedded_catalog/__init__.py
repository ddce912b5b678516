"""The embedded catalogue's state machine, without threads, sockets or clocks."""
