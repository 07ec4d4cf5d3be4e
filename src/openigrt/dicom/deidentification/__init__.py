"""De-identification by PS3.15, and what remains recognizable."""
