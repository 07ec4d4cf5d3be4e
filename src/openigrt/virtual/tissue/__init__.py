"""What a patient is made of: solids, organs, and how they move."""
