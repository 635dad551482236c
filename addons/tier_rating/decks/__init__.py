"""Reading rate decks. Plain Python, no Odoo."""
