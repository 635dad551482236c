-- What foreign keys of tier_rate would guarantee, once per statement instead of once per row and
-- column: a deck has a million rates and few lists, services and destinations, and six foreign keys
-- took twice as long as storing the rates. Installed with every install and upgrade; idempotent.
--
-- What is left to the foreign keys' disadvantage: a destination, service or band that is deleted by
-- a REPEATABLE READ transaction in the very moment in which another gives it its first rate.
ALTER TABLE tier_rate
    DROP CONSTRAINT IF EXISTS tier_rate_price_list_id_fkey,
    DROP CONSTRAINT IF EXISTS tier_rate_service_id_fkey,
    DROP CONSTRAINT IF EXISTS tier_rate_destination_id_fkey,
    DROP CONSTRAINT IF EXISTS tier_rate_band_id_fkey,
    DROP CONSTRAINT IF EXISTS tier_rate_create_uid_fkey,
    DROP CONSTRAINT IF EXISTS tier_rate_write_uid_fkey;
-- The key of the look-up begins with the list.
DROP INDEX IF EXISTS tier_rate__price_list_id_index;

-- Locked as a foreign key locks: who deletes one of them waits for us, and finds the rates then.
CREATE OR REPLACE FUNCTION tier_rate_links() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    link record;
    known integer;
BEGIN
    -- One pass over the rows; what they point at are few.
    FOR link IN
        WITH combination AS MATERIALIZED (
            SELECT DISTINCT price_list_id, service_id, destination_id, band_id FROM changed_rows)
        SELECT 'tier_price_list' AS target, 'price_list_id' AS field, array_agg(DISTINCT price_list_id) AS ids
          FROM combination
        UNION ALL SELECT 'tier_service', 'service_id', array_agg(DISTINCT service_id) FROM combination
        UNION ALL SELECT 'tier_destination', 'destination_id',
                         array_agg(DISTINCT destination_id) FILTER (WHERE destination_id IS NOT NULL) FROM combination
        UNION ALL SELECT 'tier_time_band', 'band_id',
                         array_agg(DISTINCT band_id) FILTER (WHERE band_id IS NOT NULL) FROM combination
    LOOP
        CONTINUE WHEN link.ids IS NULL;
        EXECUTE format('SELECT count(*) FROM (SELECT FROM %I WHERE id = ANY($1) ORDER BY id FOR KEY SHARE) locked',
                       link.target) INTO known USING link.ids;
        IF known < cardinality(link.ids) THEN
            RAISE foreign_key_violation USING MESSAGE = format('a rate refers to a missing %s', link.target),
                TABLE = 'tier_rate', COLUMN = link.field, CONSTRAINT = 'tier_rate_' || link.field;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

-- A list takes its rates with it. Nobody can add one meanwhile: that would change its version.
CREATE OR REPLACE FUNCTION tier_price_list_rates_gone() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM tier_rate WHERE price_list_id IN (SELECT id FROM gone_rows);
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS tier_price_list_rates_gone ON tier_price_list;
CREATE TRIGGER tier_price_list_rates_gone AFTER DELETE ON tier_price_list
    REFERENCING OLD TABLE AS gone_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tier_price_list_rates_gone();

-- The others stay while a rate is of them. The argument is the column.
CREATE OR REPLACE FUNCTION tier_rate_link_kept() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    used boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM tier_rate WHERE %I IN (SELECT id FROM gone_rows))', TG_ARGV[0])
       INTO used;
    IF used THEN
        RAISE foreign_key_violation USING MESSAGE = 'a rate is of it',
            TABLE = 'tier_rate', COLUMN = TG_ARGV[0], CONSTRAINT = 'tier_rate_' || TG_ARGV[0];
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS tier_service_kept ON tier_service;
CREATE TRIGGER tier_service_kept AFTER DELETE ON tier_service
    REFERENCING OLD TABLE AS gone_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tier_rate_link_kept('service_id');
DROP TRIGGER IF EXISTS tier_destination_kept ON tier_destination;
CREATE TRIGGER tier_destination_kept AFTER DELETE ON tier_destination
    REFERENCING OLD TABLE AS gone_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tier_rate_link_kept('destination_id');
DROP TRIGGER IF EXISTS tier_time_band_kept ON tier_time_band;
CREATE TRIGGER tier_time_band_kept AFTER DELETE ON tier_time_band
    REFERENCING OLD TABLE AS gone_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tier_rate_link_kept('band_id');
