"""Bytes of no sense and of bad intent, thrown at a running tracker for a bounded time.

``FUZZ_SECONDS=600 pytest tests/fuzz`` goes on for longer, ``FUZZ_SEED=…`` throws the same bytes.
"""
