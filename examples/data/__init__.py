"""Real peaks and a real universe, cut small; README.md beside this says whose."""
