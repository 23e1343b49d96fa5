"""What programs in Python do: psycopg2, psycopg 3, SQLAlchemy, pyodbc.

python.py WHAT calls the function of that name, which prints what a user sees.
"""

import glob
import os
import sys
import threading

WHOLE = "SELECT rank FROM client"
UNBOUND = "SELECT rank FROM client WHERE region <> 'US'"


def one_line(text):
    return text.splitlines()[0][:60]


# psycopg2

def psycopg2_connection():
    import psycopg2
    return psycopg2.connect("")


def psycopg2_rows():
    cursor = psycopg2_connection().cursor()
    cursor.execute("SELECT count(*) FROM client WHERE region = ANY(%s)", (["GB", "US"],))
    print(cursor.fetchone()[0])


def psycopg2_named_cursor():
    cursor = psycopg2_connection().cursor("named")
    cursor.itersize = 10
    cursor.execute(WHOLE)
    print(sum(1 for _, row in zip(range(10), cursor)))


def psycopg2_copy():
    cursor = psycopg2_connection().cursor()
    with open(os.devnull, "w") as out:
        cursor.copy_expert(f"COPY ({WHOLE}) TO STDOUT", out)
    print(cursor.rowcount)


def psycopg2_error():
    import psycopg2
    try:
        psycopg2_connection().cursor().execute(UNBOUND)
    except psycopg2.errors.FeatureNotSupported as error:
        print(error.pgcode, one_line(error.diag.message_primary))


def psycopg2_cancel():
    import psycopg2
    connection = psycopg2_connection()
    threading.Timer(0.5, connection.cancel).start()
    try:
        connection.cursor().execute("SELECT * FROM stalled")
    except psycopg2.errors.QueryCanceled as error:
        print(error.pgcode)


# psycopg 3

def psycopg_connection():
    import psycopg
    return psycopg.connect("")


def psycopg_prepared():
    connection = psycopg_connection()
    counts = [
        connection.execute(
            "SELECT count(*) FROM client WHERE region = %s AND (period = %s OR %s::int IS NULL)",
            (region, 7, 7), prepare=True).fetchone()[0]
        for region in ("US", "GB", "FR", "DE", "JP", "IT", "ES")]
    print(*counts)


def psycopg_pipeline():
    connection = psycopg_connection()
    with connection.pipeline():
        cursors = [connection.cursor() for _ in range(2)]
        for cursor, region in zip(cursors, ("US", "GB")):
            cursor.execute("SELECT count(*) FROM client WHERE region = %s", (region,))
        print(*(cursor.fetchone()[0] for cursor in cursors))


def psycopg_pipeline_error():
    import psycopg
    connection = psycopg_connection()
    try:
        with connection.pipeline():
            first = connection.execute(UNBOUND)
            connection.execute(WHOLE)
            first.fetchone()
    except psycopg.errors.FeatureNotSupported as error:
        print(error.sqlstate)


def psycopg_named_cursor():
    cursor = psycopg_connection().cursor("named")
    cursor.execute(WHOLE)
    print(len(cursor.fetchmany(10)))


def psycopg_copy():
    cursor = psycopg_connection().cursor()
    with cursor.copy(f"COPY ({WHOLE}) TO STDOUT") as copy:
        print(len(list(copy.rows())))


# SQLAlchemy

def sqlalchemy_engine():
    import sqlalchemy
    return sqlalchemy.create_engine("postgresql+psycopg2://")


def sqlalchemy_reflection():
    import sqlalchemy
    engine = sqlalchemy_engine()
    table = sqlalchemy.Table("client", sqlalchemy.MetaData(), autoload_with=engine)
    print(*(f"{column.name}:{column.type}" for column in list(table.columns)[:4]))
    print("client" in sqlalchemy.inspect(engine).get_foreign_table_names())


def sqlalchemy_rows():
    import sqlalchemy
    engine = sqlalchemy_engine()
    table = sqlalchemy.Table("client", sqlalchemy.MetaData(), autoload_with=engine)
    query = (sqlalchemy.select(table.c.rank).where(table.c.region.in_(["US", "GB"]))
             .order_by(table.c.region, table.c.rank).limit(2))
    with engine.connect() as connection:
        print(*(row.rank for row in connection.execute(query)))


def sqlalchemy_error():
    import sqlalchemy
    try:
        with sqlalchemy_engine().connect() as connection:
            connection.execute(sqlalchemy.text(UNBOUND))
    except sqlalchemy.exc.NotSupportedError as error:
        print(error.orig.pgcode)


# psqlODBC

def odbc_connection(options=""):
    import pyodbc
    driver = glob.glob("/usr/lib/*/odbc/psqlodbcw.so")[0]
    return pyodbc.connect(
        f"Driver={driver};Server={os.environ['PGHOST']};Port={os.environ['PGPORT']};"
        f"UID={os.environ['PGUSER']};Database={os.environ['PGDATABASE']};{options}")


def odbc_rows():
    cursor = odbc_connection().cursor()
    print(cursor.execute("SELECT count(*) FROM client WHERE region = ?", "GB").fetchone()[0])


def odbc_declare_fetch():
    cursor = odbc_connection("UseDeclareFetch=1;Fetch=10").cursor()
    cursor.execute(WHOLE)
    print(len(cursor.fetchmany(10)))


def odbc_columns():
    names = [row.column_name for row in odbc_connection().cursor().columns(table="client")]
    print(*names[:4])


def odbc_error():
    import pyodbc
    try:
        odbc_connection().cursor().execute(UNBOUND)
    except pyodbc.Error as error:
        print(error.args[0])


globals()[sys.argv[1]]()
