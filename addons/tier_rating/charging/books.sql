-- Tells who keeps a price list in memory (charging/books.py) that its rates have changed.
-- Installed by tier.rate.step (whose table comes last) on every install and upgrade; idempotent.
--
-- The version comes from a sequence, so that it never repeats: not even one that a
-- rolled back transaction had used.
CREATE SEQUENCE IF NOT EXISTS tier_rates_version_seq;

CREATE OR REPLACE FUNCTION tier_rate_changed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tier_price_list SET rates_version = nextval('tier_rates_version_seq')
     WHERE id IN (SELECT price_list_id FROM changed_rows);
    RETURN NULL;
END $$;

-- Steps are part of their rate.
CREATE OR REPLACE FUNCTION tier_rate_step_changed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tier_price_list SET rates_version = nextval('tier_rates_version_seq')
     WHERE id IN (SELECT price_list_id FROM tier_rate WHERE id IN (SELECT rate_id FROM changed_rows));
    RETURN NULL;
END $$;

-- A truncation passes by the others; versions must change all the same.
CREATE OR REPLACE FUNCTION tier_rate_emptied() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tier_price_list SET rates_version = nextval('tier_rates_version_seq');
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS tier_rate_step_truncated ON tier_rate_step;
CREATE TRIGGER tier_rate_step_truncated AFTER TRUNCATE ON tier_rate_step
    FOR EACH STATEMENT EXECUTE FUNCTION tier_rate_emptied();
DROP TRIGGER IF EXISTS tier_rate_truncated ON tier_rate;
CREATE TRIGGER tier_rate_truncated AFTER TRUNCATE ON tier_rate
    FOR EACH STATEMENT EXECUTE FUNCTION tier_rate_emptied();
