"""Demo history: weeks of a small institution's life, played through the services at simulated times."""
