from . import deck, dispatcher, ingest, rate_sheet, usage_upload
