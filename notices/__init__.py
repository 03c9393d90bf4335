"""Who is told of what happens, and how: rules, signed webhooks, mail, tries again, dead letters and the heartbeat."""
