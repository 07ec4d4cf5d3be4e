"""What a planning department makes of a virtual patient: planning CT, structures, plan, dose, and their files."""
