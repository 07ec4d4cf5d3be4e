"""Folders of a plan and of days: which objects belong together."""
