"""What devices show of a patient, with their flaws."""
