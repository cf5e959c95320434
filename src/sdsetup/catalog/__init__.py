"""Typed readings of `profiles/*.toml`: raw tables in, frozen values out, every problem named at once."""
