-- What wallets with a spending limit have spent, by day. Installed by
-- ledger/schema.py after schema.sql; idempotent.
--
-- A counter, not a sum over tier_transfer: the limit of a reseller counts every
-- call below it, and summing a month of those before each call reads a million
-- rows. A counter reads 31. Only accounts with a limit are counted, so all
-- others pay one look-up per statement, and no index is added to the ledger.

-- The local day in which a UTC moment falls.
CREATE OR REPLACE FUNCTION tier_local_day(moment timestamp, zone text) RETURNS date
LANGUAGE sql STABLE AS $$
    SELECT (moment AT TIME ZONE 'UTC' AT TIME ZONE COALESCE(zone, 'UTC'))::date
$$;

-- Counting is part of tier_transfer_apply, which has the accounts before it anyway.
DROP FUNCTION IF EXISTS tier_transfer_count() CASCADE;
