"""The triggers on tracked tables: declared from the one list, installed by every `manage.py migrate`.

pgtrigger's own functions stop when a session sets `pgtrigger.ignore`, which any role may; and they write with the
rights of whoever changes the row. So its bookkeeping is used, and a function of ours (docs/decisions, The audit log).
"""

import pgtrigger
from django.db import DEFAULT_DB_ALIAS, models
from pgtrigger import compiler
from pgtrigger.core import INSTALLED

from audit.tracked import Tracked, tracked_models

NAME = "audit"


class RecordSql(compiler.UpsertTriggerSql):
    """A trigger that calls audit_record(), which no session can switch off."""

    def get_template(self) -> str:
        """Return the SQL; the trigger is replaced in one step, so that no write slips past."""
        return """
            CREATE OR REPLACE TRIGGER {pgid} {when} {operation} ON {table} FOR EACH ROW EXECUTE FUNCTION {execute};
            COMMENT ON TRIGGER {pgid} ON {table} IS '{hash}';
        """


class Record(pgtrigger.Trigger):
    """Notes every insert, update and delete of a model's rows."""

    when = pgtrigger.After
    operation = pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete

    def __init__(self, how: Tracked) -> None:
        self.how = how
        super().__init__(name=NAME)

    def get_pgid(self, model: type[models.Model]) -> str:  # type: ignore[override]  # it is given the class
        """Return the trigger's name: last by name, so that guards have their say before."""
        return f"pgtrigger_zz_audit_{model._meta.db_table}"[:63]

    def compile(self, model: type[models.Model]) -> compiler.Trigger:  # type: ignore[override]  # as above
        """Return the trigger for one model."""
        key = model._meta.pk
        arguments = (key.column, ",".join(self.how.hidden), ",".join(self.how.left_out))
        sql = RecordSql(
            pgid=self.get_pgid(model), func="", table=model._meta.db_table, when=self.when, operation=self.operation,
            execute=f"public.audit_record({', '.join(repr(each) for each in arguments)})",
        )  # fmt: skip
        return compiler.Trigger(name=self.name, sql=sql)


def register() -> None:
    """Tell pgtrigger of every tracked model."""
    for model, how in tracked_models().items():
        pgtrigger.register(Record(how))(model)


def install(*, using: str = DEFAULT_DB_ALIAS) -> None:
    """Put the triggers on every tracked table, and take them off tables that are tracked no more. Needs the owner.

    One that is as it should be is left alone: replacing it would wait for whoever writes to its table.
    """
    for model, trigger in pgtrigger.registered():
        if trigger.get_installation_status(model, database=using) != (INSTALLED, True):
            trigger.install(model, database=using)
    pgtrigger.prune(database=using)
