"""From executed notebooks and tables to the report: pages, PDF, workbook."""
