"""The ledger: the only code that moves money or reserves it.

* :mod:`.schema` installs what the database itself guarantees (triggers);
* :mod:`.writer` posts transfers;
* :mod:`.reserve` places and releases holds;
* :mod:`.bulk` writes what is new by COPY, for batches of usage;
* :mod:`.arrays` hands many values to one statement;
* :mod:`.spending` reads what spending limits leave;
* :mod:`.cursor` opens the short transactions of the charging path.

Nothing here imports a model: models call the ledger, never the reverse.
"""

from . import arrays, bulk, cursor, reserve, schema, spending, writer

__all__ = ["arrays", "bulk", "cursor", "reserve", "schema", "spending", "writer"]
