"""Database migrations, the same on Django 3.2 and 5.2."""
