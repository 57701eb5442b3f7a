"""Tests of the browsers' sockets of a process, without a network."""
