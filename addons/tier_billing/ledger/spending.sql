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

-- Runs after tier_transfer_apply (triggers fire by name), which has locked the
-- accounts: nobody begins or ends counting in between. A refund gives back the
-- day on which the money was spent.
-- Leans on: tier_account_pkey, tier_transfer_pkey.
CREATE OR REPLACE FUNCTION tier_transfer_count() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tier_spending (account_id, day, amount)
    SELECT a.id, tier_local_day(n.moment, a.tz), sum(n.amount)
      FROM (SELECT from_account_id AS account_id, date AS moment, amount
              FROM new_rows WHERE kind = 'usage'
            UNION ALL
            SELECT r.to_account_id, COALESCE(o.date, r.date), -r.amount_to
              FROM new_rows r LEFT JOIN tier_transfer o ON o.id = r.reverses_id
             WHERE r.kind = 'refund') n
     -- OFFSET 0 keeps this a probe of the primary key for each row: what a batch has
     -- is never worth a scan of all accounts, which the planner cannot know.
     CROSS JOIN LATERAL (
           SELECT id, tz FROM tier_account
            WHERE id = n.account_id AND kind = 'wallet' AND (daily_limit > 0 OR monthly_limit > 0)
           OFFSET 0) a
     GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (account_id, day) DO UPDATE
       SET amount = tier_spending.amount + excluded.amount;
    RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS tier_transfer_count ON tier_transfer;
CREATE TRIGGER tier_transfer_count AFTER INSERT ON tier_transfer
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tier_transfer_count();
