"""Measuring settings on a graphics card: which are tried, and which of them wins. Pure."""
