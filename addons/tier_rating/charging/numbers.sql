-- Tells who keeps special numbers in memory (charging/numbers.py) that those of a service have changed.
-- Installed by tier.number.class.line (whose table comes last) on every install and upgrade; idempotent.
-- The version comes from the sequence of books.sql, so that it never repeats.
CREATE SEQUENCE IF NOT EXISTS tier_rates_version_seq;

CREATE OR REPLACE FUNCTION tier_number_class_changed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tier_service SET numbers_version = nextval('tier_rates_version_seq')
     WHERE id IN (SELECT service_id FROM changed_rows);
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION tier_number_line_changed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tier_service SET numbers_version = nextval('tier_rates_version_seq')
     WHERE id IN (SELECT service_id FROM tier_number_class WHERE id IN (SELECT class_id FROM changed_rows));
    RETURN NULL;
END $$;
