"""From a plan and today's image to a couch correction."""
