"""Moving in and out: earlier orders, points of other systems, uninstalling."""
