"""`./tier cases FILE`: rating cases of other billing systems through the product's own engine.

A case has facts (a tariff, a call) and what came of them. ``tariffs`` says which tariff of the
engine a model is; the engine works on it; ``judging`` compares. A model, or a field, that the
product has no equivalent for is "unsupported", with the reason, and is never guessed.
"""
