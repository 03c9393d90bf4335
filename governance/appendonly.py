"""Rows that are appended and never changed: refused by the models, and by triggers in the database itself."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Func

from governance import origin
from governance.database import applied_migrations
from governance.rows import Row

Row_co = TypeVar("Row_co", bound=models.Model, covariant=True)


class AppendOnlyError(TypeError):
    """Code tries to change or delete rows that are only ever appended."""


class TransactionId(Func):
    """The transaction that inserts a row (PostgreSQL's 64-bit id); 0 on SQLite, which commits in the order of ids."""

    arity = 0
    output_field = models.BigIntegerField()

    def as_sql(self, compiler: Any, connection: Any, *_args: Any, **_kwargs: Any) -> tuple[str, Any]:
        """Return the constant of a database with one writer at a time."""
        return "0", ()

    def as_postgresql(self, compiler: Any, connection: Any, **_kwargs: Any) -> tuple[str, Any]:
        """Return the id of the transaction, which wraps around in no lifetime."""
        return "(pg_current_xact_id()::text::bigint)", ()


class RequestId(Func):
    """The request's id for a row that is not inserted by a model: what FROM_REQUEST has told PostgreSQL.

    Code of an earlier release, which tells nothing, inserts an empty one.
    """

    arity = 0
    output_field = models.CharField(max_length=64)

    def as_sql(self, compiler: Any, connection: Any, *_args: Any, **_kwargs: Any) -> tuple[str, Any]:
        """Return the constant of a database whose rows are all inserted by models."""
        return "''", ()

    def as_postgresql(self, compiler: Any, connection: Any, **_kwargs: Any) -> tuple[str, Any]:
        """Return what stands in the transaction's setting."""
        return "coalesce(current_setting('valhalla.request_id', true), '')", ()


class AppendOnlyQuerySet(models.QuerySet[Row_co]):
    """Rows that can be read and appended, and no more."""

    def update(self, **_values: Any) -> NoReturn:
        """Refuse."""
        raise AppendOnlyError(f"{self.model._meta.db_table} is append-only: a correction is a new row.")

    def bulk_update(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Refuse."""
        raise AppendOnlyError(f"{self.model._meta.db_table} is append-only: a correction is a new row.")

    def delete(self) -> tuple[int, dict[str, int]]:
        """Refuse, unless the rows are kept for a time only."""
        if not getattr(self.model, "expendable", False):
            raise AppendOnlyError(f"{self.model._meta.db_table} is append-only: nothing deletes its rows.")
        return super().delete()


class AppendOnly(Row):
    """A row of a trail. ``tx`` puts rows in an order in which none appears late, which ids alone do not.

    ``expendable`` rows may be deleted by retention, which leaves a note of them; nothing changes them either.
    """

    expendable: ClassVar[bool] = False

    tx = models.BigIntegerField(
        db_default=TransactionId(),
        editable=False,
        help_text="The transaction that wrote the row; the database sets it, and the sealer goes by it.",
    )

    # The checker knows the model's own manager by itself, and loses its way in one that an abstract model shares.
    if not TYPE_CHECKING:
        objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Append the row; refuse to change one that stands."""
        if not self._state.adding:
            raise AppendOnlyError(f"{self._meta.db_table} is append-only: a correction is a new row.")
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Refuse."""
        raise AppendOnlyError(f"{self._meta.db_table} is append-only: nothing deletes its rows.")


class LeverEvent(AppendOnly):
    """A row of a lever's own trail: it bears the id of the request that it came of, however it is inserted."""

    request_id = models.CharField(
        max_length=64,
        blank=True,
        default=origin.request_id,
        db_default=RequestId(),
        help_text="The request's id, the same in the answer's X-Request-ID, the log and the audit trail.",
    )

    class Meta:
        abstract = True


class Guard(Operation):
    """A migration's operation: triggers that refuse changes of ``table``'s rows, whoever asks.

    ``when`` is the condition on OLD and NEW under which an update is refused; ``deletes`` says whether a delete may be.
    Undoing the migration drops the triggers, before whatever the rollback goes on to remove.
    """

    reversible = True

    def __init__(self, table: str, when: str = "1 = 1", *, deletes: bool = False) -> None:
        self.table, self.when, self.deletes = table, when, deletes

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change no model."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Create the triggers."""
        self.install(schema_editor.connection)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop the triggers."""
        self.drop(schema_editor.connection)

    def describe(self) -> str:
        """Return what the operation does, for migrate's output."""
        return f"Guard the rows of {self.table}"

    def install(self, connection: BaseDatabaseWrapper) -> None:
        """Create the triggers, in place of those that stand."""
        self.drop(connection)
        create = self._postgresql() if connection.vendor == "postgresql" else self._sqlite()
        with connection.cursor() as cursor:
            for statement in create:
                cursor.execute(statement)

    def drop(self, connection: BaseDatabaseWrapper) -> None:
        """Drop the triggers that stand."""
        on_table = f" ON {self.table}" if connection.vendor == "postgresql" else ""
        with connection.cursor() as cursor:
            for name in self.names(connection):
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on_table}")

    def names(self, connection: BaseDatabaseWrapper) -> list[str]:
        """Return the names of the triggers that this database gets."""
        kinds = ["update", *([] if self.deletes else ["delete"])]
        kinds += ["truncate"] if connection.vendor == "postgresql" else []
        return [f"{self.table}_no_{kind}" for kind in kinds]

    def _postgresql(self) -> list[str]:
        refuse = "EXECUTE FUNCTION governance_refuse_change_v1()"
        update, *rest = (
            f"CREATE TRIGGER {self.table}_no_update BEFORE UPDATE ON {self.table} FOR EACH ROW "
            f"WHEN ({self.when}) {refuse}",
            f"CREATE TRIGGER {self.table}_no_truncate BEFORE TRUNCATE ON {self.table} FOR EACH STATEMENT {refuse}",
            f"CREATE TRIGGER {self.table}_no_delete BEFORE DELETE ON {self.table} FOR EACH ROW {refuse}",
        )
        return [update, *(rest[:1] if self.deletes else rest)]

    def _sqlite(self) -> list[str]:
        refuse = f"BEGIN SELECT RAISE(ABORT, '{self.table} is append-only: this change is refused'); END"
        update = f"CREATE TRIGGER {self.table}_no_update BEFORE UPDATE ON {self.table} WHEN {self.when} {refuse}"
        delete = f"CREATE TRIGGER {self.table}_no_delete BEFORE DELETE ON {self.table} {refuse}"
        return [update] if self.deletes else [update, delete]


@functools.cache
def _declared() -> tuple[tuple[tuple[str, str], Guard], ...]:
    disk = MigrationLoader(None, ignore_no_migrations=True).disk_migrations
    return tuple(
        (key, operation) for key in sorted(disk) for operation in disk[key].operations if isinstance(operation, Guard)
    )


def guards(using: str = "default") -> list[Guard]:
    """Return the guards of the migrations that are applied."""
    applied = applied_migrations(using)
    return [guard for key, guard in _declared() if key in applied]


def missing(using: str = "default") -> list[str]:
    """Name the triggers that should stand and do not, or are switched off."""
    connection = connections[using]
    query = (
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
        if connection.vendor == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        there = {name for (name,) in cursor.fetchall()}
    return [name for guard in guards(using) for name in guard.names(connection) if name not in there]


def keep(using: str, **_signal: Any) -> None:
    """Put back the triggers that a migration's rebuilt table lost (SQLite rebuilds one to alter it)."""
    lost = set(missing(using))
    for guard in guards(using):
        if lost & set(guard.names(connections[using])):
            guard.install(connections[using])
