"""Django settings of the test runs, one module for each family of hosts."""
