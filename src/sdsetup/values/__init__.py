"""The values that cross rooms: facts, findings, settings, plans, records. No behaviour of their own."""
