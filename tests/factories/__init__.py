"""Shops, products, checkouts and orders made through each Saleor itself; one module a host, the same names."""
