"""What one would write without the extension, to have a list in a table.

Each function replaces the content of the table "target" by one whole list, in
one transaction of the connection that it is given, and returns the number of
rows.
"""

import io
import json
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor

import requests

PATH = "/v1/tiktok/trending/videos"
FIELDS = ["id", "title", "item_url", "cover", "duration"]
COPY = "COPY target (rank, region, %s) FROM STDIN" % ", ".join(FIELDS)
REGION = "US"
PAGE_SIZE = 20


def copy_text(value):
    """A value in COPY's text format"""
    if value is None:
        return r"\N"
    text = str(value).replace("\\", r"\\")
    return text.replace("\t", r"\t").replace("\n", r"\n").replace("\r", r"\r")


def copy_lines(document):
    """The videos of a page as lines of COPY's text format"""
    data = document["data"]
    first = (data["pagination"]["page"] - 1) * PAGE_SIZE + 1
    for rank, video in enumerate(data["videos"], first):
        cells = [rank, REGION] + [video.get(field) for field in FIELDS]
        yield "\t".join(map(copy_text, cells)) + "\n"


def python_requests(connection, api, threads):
    """requests and psycopg2's COPY; page 1 tells how many pages there are"""
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = "Bearer " + api.key
        session.verify = api.ca_file
        session.mount(api.base_url, requests.adapters.HTTPAdapter(pool_maxsize=threads))

        def fetch(page):
            response = session.get(api.base_url + PATH, params={
                "page": page, "period": 7, "limit": PAGE_SIZE,
                "region": REGION, "order_by": "vv"})
            response.raise_for_status()
            return response.json()

        documents = [fetch(1)]
        total = documents[0]["data"]["pagination"]["total_count"]
        others = range(2, (total - 1) // PAGE_SIZE + 2)
        if threads == 1:
            documents += map(fetch, others)
        else:
            with ThreadPoolExecutor(threads) as pool:
                documents += pool.map(fetch, others)

    lines = io.StringIO()
    for document in documents:
        lines.writelines(copy_lines(document))
    lines.seek(0)
    return copy(connection, lines)


def curl_jq(connection, api, pages):
    """curl | jq | COPY; curl is told how many pages there are"""
    url = (api.base_url + PATH + "?page=[1-%d]&period=7&limit=%d&region=%s&order_by=vv"
           % (pages, PAGE_SIZE, REGION))
    cells = ", ".join(["($first + .key)", json.dumps(REGION)]
                      + [".value." + field for field in FIELDS])
    program = (".data | ((.pagination.page - 1) * %d + 1) as $first"
               " | .videos | to_entries[] | [%s] | @tsv" % (PAGE_SIZE, cells))
    pipeline = "curl -sS --fail --compressed --noproxy '*' --cacert %s -H %s %s | jq -r %s" % tuple(
        map(shlex.quote, [api.ca_file, "Authorization: Bearer " + api.key, url, program]))
    with subprocess.Popen(["bash", "-c", "set -o pipefail; " + pipeline],
                          stdout=subprocess.PIPE, text=True) as process:
        rows = copy(connection, process.stdout)
    if process.returncode != 0:
        raise RuntimeError("curl | jq failed")
    return rows


def copy(connection, lines):
    with connection, connection.cursor() as cursor:
        cursor.execute("TRUNCATE target")
        cursor.copy_expert(COPY, lines)
        return cursor.rowcount


def pgsql_http(connection, api, pages):
    """The extension http of pgsql-http; the query is told how many pages there are"""
    with connection, connection.cursor() as cursor:
        cursor.execute("TRUNCATE target")
        cursor.execute("SELECT http_set_curlopt('CURLOPT_CAINFO', %s)", [api.ca_file])
        cursor.execute("""
            INSERT INTO target (rank, region, id, title, item_url, cover, duration)
            SELECT (page - 1) * %(size)s + position, %(region)s,
                   video->>'id', video->>'title', video->>'item_url',
                   video->>'cover', (video->>'duration')::integer
            FROM generate_series(1, %(pages)s) AS page,
                 http(('GET',
                       %(url)s || '?page=' || page || '&period=7&order_by=vv&limit=' ||
                       %(size)s || '&region=' || %(region)s,
                       ARRAY[http_header('Authorization', 'Bearer ' || %(key)s)],
                       NULL, NULL)::http_request) AS response,
                 jsonb_array_elements(response.content::jsonb->'data'->'videos')
                   WITH ORDINALITY AS videos (video, position)""", {
                       "url": api.base_url + PATH, "region": REGION, "key": api.key,
                       "size": PAGE_SIZE, "pages": pages})
        return cursor.rowcount
