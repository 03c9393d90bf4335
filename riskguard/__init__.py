"""Risk guard: exposure is reserved against daily caps before an action and settled after, never one cent over."""
