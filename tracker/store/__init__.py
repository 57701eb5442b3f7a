"""The shared state in Redis: the only importer of redis."""
