"""The codecs: vectors of the specifications, round trips, and any bytes at all."""
