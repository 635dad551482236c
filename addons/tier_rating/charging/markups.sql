-- Tells who keeps mark-ups in memory (charging/markups.py) that those of a list have changed.
-- Installed by tier.price.markup on every install and upgrade; idempotent.
-- The version comes from the sequence of books.sql, so that it never repeats.
CREATE SEQUENCE IF NOT EXISTS tier_rates_version_seq;

CREATE OR REPLACE FUNCTION tier_markup_changed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tier_price_list SET markups_version = nextval('tier_rates_version_seq')
     WHERE id IN (SELECT price_list_id FROM changed_rows);
    RETURN NULL;
END $$;

-- What a line is for is part of it.
CREATE OR REPLACE FUNCTION tier_markup_place_changed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'tier_destination' THEN
        -- A destination that comes to a country, or leaves it, has another mark-up from now on.
        UPDATE tier_price_list SET markups_version = nextval('tier_rates_version_seq')
         WHERE id IN (SELECT m.price_list_id FROM tier_price_markup m
                        JOIN tier_price_markup_country_rel c ON c.tier_price_markup_id = m.id
                       WHERE c.res_country_id IN (SELECT country_id FROM changed_rows));
    ELSE
        UPDATE tier_price_list SET markups_version = nextval('tier_rates_version_seq')
         WHERE id IN (SELECT price_list_id FROM tier_price_markup
                       WHERE id IN (SELECT tier_price_markup_id FROM changed_rows));
    END IF;
    RETURN NULL;
END $$;
