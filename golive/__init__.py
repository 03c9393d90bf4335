"""Go-live: whether anything may run in production at all, and the kill switch that stops everything at once."""
