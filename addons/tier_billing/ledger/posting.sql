-- Insert transfers, their accounts looked up, in statements whose plans are kept: a plain
-- INSERT ... SELECT of the client is parsed and planned each time, which takes longer than
-- the insertion. Installed by ledger/schema.py; called by writer.post alone.
-- Leans on: tier_account_pkey, tier_account_identity.

-- A lone transfer. Returns the new transfer's id; NULL when the key is known or an account does not exist.
CREATE OR REPLACE FUNCTION tier_transfer_post(
    key varchar, what varchar, giver integer, taker integer, leaves numeric, arrives numeric,
    per_unit numeric, moment timestamp, why varchar, undoes integer, uid integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    side record;
    exchange_in integer;
    exchange_out integer;
    posted integer;
BEGIN
    SELECT f.company_id, f.wallet_id, f.currency_id,
           t.wallet_id AS wallet_to, t.currency_id AS currency_to, t.company_id AS company_to
      INTO side
      FROM tier_account f, tier_account t WHERE f.id = giver AND t.id = taker;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF side.currency_id <> side.currency_to THEN
        SELECT id INTO exchange_in FROM tier_account
         WHERE kind = 'exchange' AND company_id = side.company_id AND currency_id = side.currency_id;
        SELECT id INTO exchange_out FROM tier_account
         WHERE kind = 'exchange' AND company_id = side.company_to AND currency_id = side.currency_to;
    END IF;
    INSERT INTO tier_transfer (
        source_key, kind, from_account_id, to_account_id, amount, amount_to, rate, date, reason,
        reverses_id, from_wallet_id, to_wallet_id, currency_id, currency_to_id, company_id,
        exchange_in_id, exchange_out_id, create_uid, create_date)
    VALUES (key, what, giver, taker, leaves, arrives, per_unit,
            COALESCE(moment, now() AT TIME ZONE 'UTC'), why, undoes,
            side.wallet_id, side.wallet_to, side.currency_id, side.currency_to, side.company_id,
            exchange_in, exchange_out, uid, now() AT TIME ZONE 'UTC')
    ON CONFLICT (source_key) DO NOTHING
    RETURNING id INTO posted;
    RETURN posted;
END $$;

-- A batch. Returns the keys and ids of those that are new.
CREATE OR REPLACE FUNCTION tier_transfer_post_all(
    keys varchar[], kinds varchar[], givers integer[], takers integer[], leave numeric[],
    arrive numeric[], per_unit numeric[], moments timestamp[], why varchar[], undo integer[],
    uid integer) RETURNS TABLE (posted_key varchar, posted_id integer)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY INSERT INTO tier_transfer (
        source_key, kind, from_account_id, to_account_id, amount, amount_to, rate, date, reason,
        reverses_id, from_wallet_id, to_wallet_id, currency_id, currency_to_id, company_id,
        exchange_in_id, exchange_out_id, create_uid, create_date)
    SELECT v.source_key, v.kind, v.from_id, v.to_id, v.amount, v.amount_to, v.rate,
           COALESCE(v.date, now() AT TIME ZONE 'UTC'), v.reason, v.reverses,
           f.wallet_id, t.wallet_id, f.currency_id, t.currency_id, f.company_id,
           CASE WHEN f.currency_id <> t.currency_id THEN (
                SELECT id FROM tier_account
                 WHERE kind = 'exchange' AND company_id = f.company_id AND currency_id = f.currency_id) END,
           CASE WHEN f.currency_id <> t.currency_id THEN (
                SELECT id FROM tier_account
                 WHERE kind = 'exchange' AND company_id = t.company_id AND currency_id = t.currency_id) END,
           uid, now() AT TIME ZONE 'UTC'
      FROM unnest(keys, kinds, givers, takers, leave, arrive, per_unit, moments, why, undo)
           WITH ORDINALITY AS v(source_key, kind, from_id, to_id, amount, amount_to, rate, date,
                                reason, reverses, position)
     -- One probe of the primary key for each, whatever the batch.
     CROSS JOIN LATERAL (SELECT * FROM tier_account WHERE id = v.from_id OFFSET 0) f
     CROSS JOIN LATERAL (SELECT * FROM tier_account WHERE id = v.to_id OFFSET 0) t
     ORDER BY v.position
    ON CONFLICT (source_key) DO NOTHING
    RETURNING source_key, id;
END $$;
