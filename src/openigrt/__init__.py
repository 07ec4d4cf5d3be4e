"""OpenIGRT."""
