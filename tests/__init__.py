"""The test suite; a package so that tests can share strategies, tables and settings by name."""
