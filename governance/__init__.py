"""What every lever shares: register, holds, the one door for changes, the audit trail. Knows no lever by name."""
