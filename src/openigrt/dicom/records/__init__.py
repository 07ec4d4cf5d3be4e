"""Treatment records and delivery instructions."""
