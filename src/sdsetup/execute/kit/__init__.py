"""Kits: made into a folder, checked, and read by an installation."""
