"""Alembic runs this for every upgrade, inside the transaction that Database.upgrade() began.

A migration is written by hand in versions/; a test compares the tables it makes with the models.
"""

from alembic import context

from feedback_db.models import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, transactional_ddl=True
)
with context.begin_transaction():
    context.run_migrations()
