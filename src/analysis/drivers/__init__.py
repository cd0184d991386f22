"""What moves coverage and late payment, and what these data cannot tell."""
