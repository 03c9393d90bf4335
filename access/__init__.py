"""Who may act: accounts, their roles, and the tokens that engines call with."""
