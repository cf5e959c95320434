"""The rule engine: facts and a profile in, launch flags, variables and a torch build out."""
