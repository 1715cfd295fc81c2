"""What a database role may do that runs the shop without owning the ledger, as SQL.

Triggers refuse changes of the past to everybody, but the owner of a table can switch its triggers
off. A role that does not own the tables cannot, and needs no more than this to run the shop.
"""

from __future__ import annotations

from django.db import connection

APPEND_ONLY = (
    "saleor_retention_transaction",
    "saleor_retention_entry",
    "saleor_retention_lotextension",
    "saleor_retention_programversion",
    "saleor_retention_offerversion",
    "saleor_retention_ledgerdigest",
    "saleor_retention_erasure",
    "saleor_retention_auditentry",
    "saleor_retention_consententry",
)
"""Tables that are only ever added to; the same that have the trigger ``append_only``."""


def exists(role: str) -> bool:
    """Tell whether the server has a role of that name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        return cursor.fetchone() is not None


def quoted(name: str) -> str:
    """Return a name as SQL takes it, whatever is in it (Django's own quoting leaves quotes be)."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def grants(role: str) -> list[str]:
    """Return the statements that let a role run the shop, and no more on the ledger than add to it.

    On the schema that the connection works in. Tables that the owner makes later are included, so
    that migrations need nothing further but these statements once more for new append-only tables.
    """
    name = quoted(role)
    schema = quoted(_schema())
    return [
        f"GRANT USAGE ON SCHEMA {schema} TO {name}",
        f"REVOKE CREATE ON SCHEMA {schema} FROM {name}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {name}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {name}",
        f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {name}",
        (
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} "
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {name}"
        ),
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE, SELECT ON SEQUENCES TO {name}",
        *(
            f"REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON {table} FROM {name}"
            for table in APPEND_ONLY
        ),
    ]


def powers(role: str) -> list[str]:
    """Return, in sentences, what a role has that lets it change the past all the same."""
    return [*_powers_of_role(role), *_powers_on_tables(role)]


def _powers_of_role(role: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper, rolcreaterole, rolreplication FROM pg_roles WHERE rolname = %s",
            [role],
        )
        is_super, makes_roles, replicates = cursor.fetchone()
        cursor.execute(
            "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = %(schema)s "
            "AND tablename = ANY(%(tables)s) AND pg_has_role(%(role)s, tableowner, 'MEMBER')",
            {"role": role, "schema": _schema(), "tables": list(APPEND_ONLY)},
        )
        owners = sorted(owner for (owner,) in cursor.fetchall())
    found = []
    if is_super:
        found.append("It is a superuser.")
    if makes_roles:
        found.append("It can create roles and make itself a member of others (CREATEROLE).")
    if replicates:
        found.append("It can replicate the database (REPLICATION).")
    if owners and not is_super:
        found.append(f"It is, or can become, the owner of the ledger ({', '.join(owners)}).")
    return found


def _powers_on_tables(role: str) -> list[str]:
    statement = (
        "SELECT tablename, privilege FROM unnest(%(tables)s::text[]) AS tablename, "
        "unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) AS privilege "
        "WHERE has_table_privilege(%(role)s, tablename, privilege) "
        "OR (privilege = 'UPDATE' AND has_any_column_privilege(%(role)s, tablename, privilege)) "
        "ORDER BY 1, 2"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, {"role": role, "tables": list(APPEND_ONLY)})
        return [f"It has {privilege} on {table}." for table, privilege in cursor.fetchall()]


def _schema() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        (schema,) = cursor.fetchone()
    return str(schema)
