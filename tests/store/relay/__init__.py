"""Tests of `tracker.store.relay`."""
