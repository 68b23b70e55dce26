"""Run by Alembic: migrates the connection that `schema.bring_up_to_date` hands over."""

from alembic import context

from headroom.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite changes little of a table in place; Alembic copies it then.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
