"""How far trust can be trusted: thousands of matches, half of them bad; calibrated on one half, judged on the other."""
