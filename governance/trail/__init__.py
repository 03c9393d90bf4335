"""The trail as a whole: every lever's events and the audit rows, read together, sealed in a chain, and verified."""
