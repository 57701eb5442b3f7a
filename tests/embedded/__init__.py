"""The embedded Redis, with real processes."""
