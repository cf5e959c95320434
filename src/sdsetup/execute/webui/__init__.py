"""Parts of it stand in their own modules."""
