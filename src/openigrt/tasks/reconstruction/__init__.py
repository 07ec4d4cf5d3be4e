"""From projections to a cone-beam CT."""
