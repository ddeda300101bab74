"""Tasks that wait for others, and the runs a run came after."""

import sqlalchemy as sa
from alembic import op

from scheduler.database import Json

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "task_dependency",
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("upstream_id", sa.Integer(), nullable=False),
        sa.Column("arrival", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_task_dependency_task_id_task"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["upstream_id"], ["task.id"], name=op.f("fk_task_dependency_upstream_id_task"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("task_id", "upstream_id", name=op.f("pk_task_dependency")),
    )
    with op.batch_alter_table("task_dependency", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_task_dependency_upstream_id"), ["upstream_id"], unique=False)
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.add_column(sa.Column("depends_mode", sa.String(length=10), server_default="all", nullable=False))
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.add_column(sa.Column("upstream", Json, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.drop_column("upstream")
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.drop_column("depends_mode")
    op.drop_table("task_dependency")
