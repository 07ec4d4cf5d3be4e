"""OpenIGRT behind the same worker as its peers."""
