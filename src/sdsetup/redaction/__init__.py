"""What nobody else may read: `secrets` goes from all that is written down, `report` makes a report postable."""
