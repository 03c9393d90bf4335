"""The composition root: settings, addresses and the gate."""
