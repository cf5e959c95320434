"""SHOW: the only room that draws: screens for people, versioned JSON for programs."""
