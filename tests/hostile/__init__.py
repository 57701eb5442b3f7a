"""Attacks on a running tracker, with good clients of all protocols beside them.

Every attack runs in a process of its own, from loopback addresses of its own, for a few seconds and
with a bounded rate. The good clients must not notice it.
"""
