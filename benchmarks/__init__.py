"""OpenIGRT beside its peers, on the same input in one process tree."""
