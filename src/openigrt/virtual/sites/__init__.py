"""Patients by the part of the body that is treated."""
