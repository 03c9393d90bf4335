"""The regression tripwire: watches KPI events and pulls the levers below it by itself when a rate drops."""
