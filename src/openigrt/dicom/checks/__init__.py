"""What is missing, inconsistent or suspicious in a folder."""
