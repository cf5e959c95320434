"""LOOK: asks the machine, changes nothing. A command and a pure `parse_*`; a failure is an unknown."""
