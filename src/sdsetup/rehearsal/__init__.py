"""Loopback stand-ins for a practice run: a small git remote and a small model hub."""
