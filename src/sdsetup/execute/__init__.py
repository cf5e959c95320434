"""DO: carries out a plan step by step; every step can be killed and run again."""
