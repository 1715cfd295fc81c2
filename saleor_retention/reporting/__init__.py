"""The report that a shop owner prints: one HTML page with charts, tables and plain sentences."""
