"""Programs: validated, versioned, read from files, tried out."""
