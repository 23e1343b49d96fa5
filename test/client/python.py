"""What programs in Python do: psycopg2, psycopg 3, SQLAlchemy, pyodbc.

python.py WHAT calls the function of that name, which prints what a user sees.
"""

import glob
import os
import sys
import threading

REGIONS = ("US", "GB", "FR", "DE", "JP", "IT", "ES")
WHOLE = "SELECT rank FROM client"
UNBOUND = "SELECT rank FROM client WHERE region <> 'US'"
BROKEN = "SELECT rank FROM broken"
STALLED = "SELECT rank FROM stalled"


def tell_error(sqlstate, text):
    """Print the SQLSTATE and the words of the message that help."""
    words = [words for words in ("write region = ...", "the API rejected the parameters") if words in text]
    print(sqlstate, *words or [text])


def when_told(act):
    """Act, in a thread, when the standard input ends."""
    threading.Thread(target=lambda: (sys.stdin.read(), act())).start()


def rows_and_error(rows, error_class, sqlstate):
    """Print how many rows come before an error, and the error."""
    count = 0
    try:
        for _ in rows:
            count += 1
    except error_class as error:
        print(count, end=" ")
        tell_error(sqlstate(error), str(error))


# psycopg2

def psycopg2_connection():
    import psycopg2
    return psycopg2.connect("")


def psycopg2_rows():
    cursor = psycopg2_connection().cursor()
    cursor.execute("SELECT count(*) FROM client WHERE region = ANY(%s)", (["GB", "US"],))
    print(cursor.fetchone()[0])


def psycopg2_prepared():
    cursor = psycopg2_connection().cursor()
    cursor.execute("PREPARE q AS SELECT count(*) FROM client WHERE region = $1")
    counts = []
    for region in REGIONS:
        cursor.execute("EXECUTE q (%s)", (region,))
        counts.append(cursor.fetchone()[0])
    print(*counts)


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
        tell_error(error.pgcode, error.diag.message_primary)


def psycopg2_broken_cursor():
    import psycopg2
    cursor = psycopg2_connection().cursor("named")
    cursor.itersize = 10
    cursor.execute(BROKEN)
    rows_and_error(cursor, psycopg2.Error, lambda error: error.pgcode)


def psycopg2_cancel():
    import psycopg2
    connection = psycopg2_connection()
    when_told(connection.cancel)
    try:
        connection.cursor().execute(STALLED)
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
        for region in REGIONS]
    print(*counts)


def psycopg_pipeline():
    connection = psycopg_connection()
    with connection.pipeline():
        cursors = [connection.cursor() for _ in range(2)]
        for cursor, region in zip(cursors, REGIONS):
            cursor.execute("SELECT count(*) FROM client WHERE region = %s", (region,))
        print(*(cursor.fetchone()[0] for cursor in cursors))


def psycopg_named_cursor():
    cursor = psycopg_connection().cursor("named")
    cursor.execute(WHOLE)
    print(len(cursor.fetchmany(10)))


def psycopg_copy():
    cursor = psycopg_connection().cursor()
    with cursor.copy(f"COPY ({WHOLE}) TO STDOUT") as copy:
        print(len(list(copy.rows())))


def tell_psycopg_error(act):
    import psycopg
    try:
        act()
    except psycopg.errors.FeatureNotSupported as error:
        tell_error(error.sqlstate, error.diag.message_primary)


def psycopg_error():
    tell_psycopg_error(lambda: psycopg_connection().execute(UNBOUND))


def psycopg_named_cursor_error():
    cursor = psycopg_connection().cursor("named")
    tell_psycopg_error(lambda: (cursor.execute(UNBOUND), cursor.fetchone()))


def psycopg_copy_error():
    cursor = psycopg_connection().cursor()

    def read():
        with cursor.copy(f"COPY ({UNBOUND}) TO STDOUT") as copy:
            list(copy.rows())
    tell_psycopg_error(read)


def psycopg_pipeline_error():
    connection = psycopg_connection()

    def read():
        with connection.pipeline():
            first = connection.execute(UNBOUND)
            connection.execute(WHOLE)
            first.fetchone()
    tell_psycopg_error(read)


def psycopg_broken_cursor():
    import psycopg
    cursor = psycopg_connection().cursor("named")
    cursor.itersize = 10
    cursor.execute(BROKEN)
    rows_and_error(cursor, psycopg.Error, lambda error: error.sqlstate)


def psycopg_broken_copy():
    import psycopg
    cursor = psycopg_connection().cursor()
    with cursor.copy(f"COPY ({BROKEN}) TO STDOUT") as copy:
        rows_and_error(copy.rows(), psycopg.Error, lambda error: error.sqlstate)


def psycopg_cancel():
    import psycopg
    connection = psycopg_connection()
    when_told(connection.cancel)
    try:
        connection.execute(STALLED)
    except psycopg.errors.QueryCanceled as error:
        print(error.sqlstate)


# SQLAlchemy

def sqlalchemy_engine():
    import sqlalchemy
    return sqlalchemy.create_engine("postgresql+psycopg2://")


def sqlalchemy_table(engine):
    import sqlalchemy
    return sqlalchemy.Table("client", sqlalchemy.MetaData(), autoload_with=engine)


def sqlalchemy_reflection():
    import sqlalchemy
    engine = sqlalchemy_engine()
    print(*(f"{column.name}:{column.type}" for column in list(sqlalchemy_table(engine).columns)[:4]))
    print("client" in sqlalchemy.inspect(engine).get_foreign_table_names())


def sqlalchemy_rows():
    import sqlalchemy
    engine = sqlalchemy_engine()
    table = sqlalchemy_table(engine)
    query = (sqlalchemy.select(table.c.rank).where(table.c.region.in_(["US", "GB"]))
             .order_by(table.c.region, table.c.rank).limit(2))
    with engine.connect() as connection:
        print(*(row.rank for row in connection.execute(query)))


def sqlalchemy_stream():
    import sqlalchemy
    with sqlalchemy_engine().connect() as connection:
        streaming = connection.execution_options(stream_results=True, max_row_buffer=10)
        print(len(streaming.execute(sqlalchemy.text(WHOLE)).fetchmany(10)))


def sqlalchemy_error():
    import sqlalchemy
    try:
        with sqlalchemy_engine().connect() as connection:
            connection.execute(sqlalchemy.text(UNBOUND))
    except sqlalchemy.exc.NotSupportedError as error:
        tell_error(error.orig.pgcode, str(error))


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


def odbc_prepared():
    cursor = odbc_connection("UseServerSidePrepare=1").cursor()
    query = "SELECT count(*) FROM client WHERE region = ?"
    print(*(cursor.execute(query, region).fetchone()[0] for region in REGIONS))


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
        tell_error(*error.args)


def odbc_broken_fetch():
    import pyodbc
    cursor = odbc_connection("UseDeclareFetch=1;Fetch=10").cursor()
    cursor.execute(BROKEN)
    rows_and_error(cursor, pyodbc.Error, lambda error: error.args[0])


def odbc_cancel():
    import pyodbc
    cursor = odbc_connection().cursor()
    when_told(cursor.cancel)
    try:
        cursor.execute(STALLED)
    except pyodbc.Error as error:
        print(error.args[0])


globals()[sys.argv[1]]()
