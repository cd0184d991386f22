"""What the report is made of: phrases in both languages, results, descriptions of tables."""
