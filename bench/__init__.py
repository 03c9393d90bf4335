"""What the product is measured against, and the measuring."""
