"""A virtual patient through a whole course of treatment, with what was true beside what was believed."""
