"""Shops, products, checkouts and orders made through each Saleor; one module a host."""
