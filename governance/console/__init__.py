"""The operator's console: the admin's site, its screens, and the one form by which a person submits a change."""
