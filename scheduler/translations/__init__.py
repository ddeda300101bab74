"""The catalogue: every sentence of the product in English (its own key) and in Chinese; `collect` keeps it complete."""
