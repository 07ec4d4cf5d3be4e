"""Where an array computes: dtype, threads, kernel cache."""
