"""Guided installer and setup wizard for the AUTOMATIC1111 Stable Diffusion web UI."""

__version__ = "0.1.0"
