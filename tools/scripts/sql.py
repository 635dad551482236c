"""Run SQL statements, each in a transaction of its own; print the last one's rows as JSON.

Arguments: the database, a JSON list of statements. The connection comes from PGHOST and so on.
"""

import json
import sys

import psycopg2


def main(database, statements):
    try:
        connection = psycopg2.connect(dbname=database)
        connection.autocommit = True
        rows = []
        with connection.cursor() as cursor:
            for statement in json.loads(statements):
                cursor.execute(statement)
                rows = cursor.fetchall() if cursor.description else []
    except psycopg2.Error as error:
        sys.exit(str(error).strip())
    print(json.dumps(rows, default=str))


main(*sys.argv[1:])
