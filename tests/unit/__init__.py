"""The engine alone: no Django, no database, seconds."""
