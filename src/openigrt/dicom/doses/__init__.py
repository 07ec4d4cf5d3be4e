"""Dose grids and histograms."""
