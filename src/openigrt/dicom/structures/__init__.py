"""Structure sets, and the names of structures."""
