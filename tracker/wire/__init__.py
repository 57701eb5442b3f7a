"""Sans-I/O codecs: bytes to values and back. No sockets, clocks, logs or settings."""
