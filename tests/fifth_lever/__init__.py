"""A fifth lever, the quarantine: one new app and no edit elsewhere, which proves that the register carries a lever."""
