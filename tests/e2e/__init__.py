"""End-to-end tests: the real `uota` against simulated and scripted boards."""
