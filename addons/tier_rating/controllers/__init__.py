from . import dispatcher, ingest, rate_sheet
