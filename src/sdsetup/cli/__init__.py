"""The commands: options in, one exit code out."""
