"""Many processes on the same ports."""
