from . import dispatcher, ingest
