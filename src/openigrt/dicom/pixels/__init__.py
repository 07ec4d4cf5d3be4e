"""Stored values of images: taken from bytes, decoded by codec, bounded."""
