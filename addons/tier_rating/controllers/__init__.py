from . import deck, dispatcher, ingest, rate_sheet
