"""Virtual patients: tissue, what it does from day to day, and how it moves on the couch."""
