"""Stories told over HTTP alone, to the real server process of the running Saleor."""
