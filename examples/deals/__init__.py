"""The reference engine: what it asks of each lever before it acts, and what it tells them after."""
