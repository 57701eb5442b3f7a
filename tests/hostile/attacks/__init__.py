"""Attackers, each a function that a `Child` runs: TCP streams, datagrams, and what they send."""
