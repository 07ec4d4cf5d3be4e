"""Spatial registrations, their chains, deformations and fiducials."""
