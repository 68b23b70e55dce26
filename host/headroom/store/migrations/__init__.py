"""Alembic's migrations: one file a step in `versions`, each with its own copy of what it makes."""
