"""Heimdall: lets an AI's recommendation into production only once its domain has earned it in the sandbox."""
