"""Data sets themselves: bounded reading, elements and their values, mapping tables, headers of what is written."""
