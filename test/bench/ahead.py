"""What is asked for ahead: plans that read list by list, against those that name all
lists; rows fetched by and by, against all at once; and nodes of postgres_fdw, against
one server.

What is measured is the time until the last row, over the whole of a query.  A variant
and its base take turns, so that whatever else the machine does meets both.
"""

import collections
import os
import statistics
import sys
import time

import psycopg
import psycopg2

from subjects import Floor, Setting

ROUNDS = 5
REGIONS = ["US", "GB", "JP", "DE", "FR", "BR", "MX", "KR"]
CODES = REGIONS + ["CA", "AU", "ES", "IT", "NL", "SE", "PL", "TR", "ID", "IN", "TH", "VN"]
NODES = (REGIONS[:3], REGIONS[3:6], REGIONS[6:])

# run() against base(), each of which gives a number of rows; goal: the most times
# that run may take as long, or None
Case = collections.namedtuple("Case", "name concurrency latency run base goal")

CONNECTION = {"host": os.environ["BENCH_SOCKET"], "user": "postgres", "dbname": "postgres"}


def quoted(regions):
    return ", ".join("'%s'" % region for region in regions)


class Ahead:
    def __init__(self, session, emulator):
        self.session = session
        self.emulator = emulator
        self.floor = Floor(emulator)
        self.clients = {"psycopg2": psycopg2.connect(**CONNECTION),
                        "psycopg 3": psycopg.connect(**CONNECTION)}
        self.results = []       # (case, ms, ms of its base, median of the ratios)
        self.schemas = set()
        session.execute("CREATE TABLE codes (code text PRIMARY KEY)")
        session.execute("INSERT INTO codes SELECT unnest(%s)", CODES)
        session.execute("CREATE TABLE regions8 (code text PRIMARY KEY)")
        session.execute("INSERT INTO regions8 SELECT unnest(%s)", REGIONS)
        session.execute("ANALYZE codes, regions8")

    # Setting up

    def schema(self, concurrency, latency):
        """A schema with tiktok_trending, and parts, which has a partition a region"""
        name = "ahead_%d_%d" % (concurrency, latency)
        if name not in self.schemas:
            self.schemas.add(name)
            self.session.execute(self.make_server(name, concurrency, latency) + """
                CREATE SCHEMA {name};
                IMPORT FOREIGN SCHEMA tiktok FROM SERVER {name} INTO {name};
                CREATE TABLE {name}.parts (region text, rank integer, id text)
                  PARTITION BY LIST (region);
                """.format(name=name))
            for region in REGIONS:
                self.session.execute(
                    "CREATE FOREIGN TABLE {name}.parts_{region} PARTITION OF {name}.parts"
                    " FOR VALUES IN ('{region}') SERVER {name}".format(name=name, region=region))
        return name

    def make_server(self, name, concurrency, latency):
        return """
            CREATE SERVER {name} FOREIGN DATA WRAPPER keyapi_fdw
              OPTIONS (base_url '{base_url}', max_concurrency '{concurrency}', cache_ttl '0');
            CREATE USER MAPPING FOR PUBLIC SERVER {name} OPTIONS (api_key '{key}');
            """.format(name=name, concurrency=concurrency,
                       **self.emulator.api(Setting("http", latency))._asdict())

    def make_nodes(self, concurrency, latency):
        """Databases that stand for servers, and a table whose partitions they have"""
        execute = self.session.execute
        execute("CREATE EXTENSION postgres_fdw")
        execute("CREATE TABLE nodes (region text, period integer, order_by text, rank integer,"
                " id text) PARTITION BY LIST (region)")
        for number, regions in enumerate(NODES):
            node = "node%d" % number
            execute("CREATE DATABASE " + node)
            with psycopg2.connect(**{**CONNECTION, "dbname": node}) as connection:
                connection.cursor().execute(
                    "CREATE EXTENSION keyapi_fdw;" + self.make_server("api", concurrency, latency)
                    + "CREATE FOREIGN TABLE lists (region text, period integer, order_by text,"
                    " rank integer, id text) SERVER api OPTIONS (regions '%s',"
                    " period 'none', order_by 'none')" % ",".join(regions))
            connection.close()
            execute("""
                CREATE SERVER {node} FOREIGN DATA WRAPPER postgres_fdw
                  OPTIONS (host '{host}', dbname '{node}', async_capable 'true',
                           fetch_size '500');
                CREATE USER MAPPING FOR CURRENT_USER SERVER {node} OPTIONS (user 'postgres');
                CREATE FOREIGN TABLE nodes_{node} PARTITION OF nodes FOR VALUES IN ({regions})
                  SERVER {node} OPTIONS (table_name 'lists')
                """.format(node=node, host=CONNECTION["host"], regions=quoted(regions)))

    # The cases

    def cases(self):
        return (self.first_pages(8, 60) + self.joins(4, 300) + self.joins(32, 300)
                + self.whole_lists(8, 60) + self.fetches(8, 60) + self.nodes(4, 60))

    def first_pages(self, concurrency, latency):
        query = self.querier(concurrency, latency)
        first = "rank <= 20"
        base = query("SELECT id FROM tiktok_trending WHERE region IN (%s) AND %s"
                     % (quoted(REGIONS), first))

        def case(name, sql):
            return Case("first pages of 8 lists: %s / region IN (8)" % name, concurrency,
                        latency, query(sql), base, 1.15)

        return [
            case("partitions", "SELECT id FROM parts WHERE " + first),
            case("UNION ALL", " UNION ALL ".join(
                "SELECT id FROM tiktok_trending WHERE region = '%s' AND %s" % (region, first)
                for region in REGIONS)),
            case("join", "SELECT id FROM regions8 JOIN tiktok_trending ON region = code AND "
                 + first),
            case("left join", "SELECT id FROM regions8 LEFT JOIN tiktok_trending"
                 " ON region = code AND " + first)]

    def joins(self, concurrency, latency):
        query = self.querier(concurrency, latency)
        return [Case("20 codes, rank <= 3: join / = ANY (ARRAY(SELECT))", concurrency, latency,
                     query("SELECT id FROM codes JOIN tiktok_trending ON region = code"
                           " AND rank <= 3"),
                     query("SELECT id FROM tiktok_trending WHERE rank <= 3"
                           " AND region = ANY (ARRAY(SELECT code FROM codes))"), 1.1)]

    def whole_lists(self, concurrency, latency):
        setting = Setting("http", latency)
        query = self.querier(concurrency, latency)
        join = query("SELECT count(id) FROM regions8 JOIN tiktok_trending ON region = code")

        def case(name, base, goal):
            return Case("8 lists: join / " + name, concurrency, latency, join, base, goal)

        return [
            case("region IN (8)", query("SELECT count(id) FROM tiktok_trending"
                                        " WHERE region IN (%s)" % quoted(REGIONS)), 1.05),
            case("the floor", lambda: self.floor.fetch(setting, concurrency, 25, REGIONS).rows,
                 1.05)]

    def fetches(self, concurrency, latency):
        schema = self.schema(concurrency, latency)

        def fetch(client, size):
            def run():
                with client.cursor() as cursor:
                    cursor.execute("SET search_path = %s, public" % schema)
                with client.cursor(name="list") as cursor:
                    cursor.execute("SELECT id FROM tiktok_trending")
                    rows = 0
                    while True:
                        part = cursor.fetchmany(size) if size else cursor.fetchall()
                        rows += len(part)
                        if not part or not size:
                            break
                client.rollback()
                return rows
            return run

        return [Case("%s: FETCH %d / FETCH ALL" % (name, size), concurrency, latency,
                     fetch(client, size), fetch(client, None), goal)
                for name, client in self.clients.items()
                for size, goal in ((100, 1.6), (500, 1.1))]

    def nodes(self, concurrency, latency):
        self.make_nodes(concurrency, latency)
        condition = "WHERE period = 7 AND order_by = 'vv'"
        query = self.querier(concurrency, latency)
        return [Case("8 lists: three nodes of postgres_fdw, fetch_size 500 / one server",
                     concurrency, latency,
                     query("SELECT id FROM nodes " + condition),
                     query("SELECT id FROM tiktok_trending %s AND region IN (%s)"
                           % (condition, quoted(REGIONS))), 1.0)]

    def querier(self, concurrency, latency):
        schema = self.schema(concurrency, latency)

        def query(sql):
            return lambda: self.session.query(schema, "SET enable_hashjoin = off;"
                                              " SET enable_mergejoin = off; " + sql).rows
        return query

    # Measuring

    def measure(self):
        for case in self.cases():
            rows = case.run()
            if rows != case.base() or rows == 0:
                sys.exit("%s: not the same rows" % case.name)
            pairs = [(elapsed(case.run), elapsed(case.base)) for _ in range(ROUNDS)]
            self.results.append((case, *map(statistics.median, zip(*pairs)),
                                 statistics.median(run / base for run, base in pairs)))

    def was_measured(self):
        return bool(self.results)

    def text(self):
        lines = ["## Asked for ahead", "",
                 "| what / its base | at once | API's ms | ms | base | times | at most |",
                 "|---|---:|---:|---:|---:|---:|---:|"]
        for case, run, base, ratio in self.results:
            lines.append("| %s | %d | %d | %.0f | %.0f | %.2f | %.2f |" % (
                case.name, case.concurrency, case.latency, run, base, ratio, case.goal))
        return "\n".join(lines + [""])


def elapsed(function):
    """How many ms it takes"""
    began = time.perf_counter()
    function()
    return (time.perf_counter() - began) * 1000
