"""Worked examples of engines behind the four levers."""
