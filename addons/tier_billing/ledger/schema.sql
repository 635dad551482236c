-- What the database guarantees about money, whoever writes to it.
-- Installed by ledger/schema.py on every install and upgrade; idempotent.

-- 1. Balances. A transfer moves its accounts in the same statement that
-- inserts it, so balance = sum(in) - sum(out) holds at every commit and no
-- code can forget or repeat an update. Grouped per statement: a batch of
-- thousands of transfers updates each account once.
-- Leans on: tier_account_pkey.
-- Only nested loops: what a batch has is never worth a scan of all accounts, which
-- the planner cannot know of a transition table.
CREATE OR REPLACE FUNCTION tier_transfer_apply() RETURNS trigger
LANGUAGE plpgsql SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    lone record;
    short boolean;
    limited boolean;
    fits boolean;
    corrects boolean;
    counted integer[];
    began timestamptz;
    bad record;
BEGIN
    SELECT r.*, (SELECT count(*) FROM new_rows) AS rows INTO lone FROM new_rows r LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    -- One transfer in one currency, which is what a debit or an allocation alone is: the
    -- same as below for a batch, by two updates of a row each in the one lock order, whose
    -- conditions are what has to fit. Statements over sets take a lone transfer four times
    -- as long.
    IF lone.rows = 1 AND lone.currency_id = lone.currency_to_id AND lone.kind NOT IN ('refund', 'rebate')
       AND (lone.kind <> 'usage' OR lone.reverses_id IS NULL) THEN
        fits := lone.amount = lone.amount_to AND lone.exchange_in_id IS NULL AND lone.exchange_out_id IS NULL;
        began := clock_timestamp();
        IF lone.to_account_id < lone.from_account_id THEN
            UPDATE tier_account SET balance = balance + lone.amount_to
             WHERE id = lone.to_account_id AND company_id = lone.company_id
               AND currency_id = lone.currency_to_id AND wallet_id IS NOT DISTINCT FROM lone.to_wallet_id;
            fits := fits AND FOUND;
        END IF;
        UPDATE tier_account SET balance = balance - lone.amount
         WHERE id = lone.from_account_id AND company_id = lone.company_id
           AND currency_id = lone.currency_id AND wallet_id IS NOT DISTINCT FROM lone.from_wallet_id
        RETURNING kind = 'wallet' AND NOT unlimited AND balance + credit_limit - held < 0,
                  kind = 'wallet' AND (daily_limit > 0 OR monthly_limit > 0)
             INTO short, limited;
        fits := fits AND FOUND;
        IF lone.to_account_id > lone.from_account_id THEN
            UPDATE tier_account SET balance = balance + lone.amount_to
             WHERE id = lone.to_account_id AND company_id = lone.company_id
               AND currency_id = lone.currency_to_id AND wallet_id IS NOT DISTINCT FROM lone.to_wallet_id;
            fits := fits AND FOUND;
        END IF;
        IF fits IS NOT TRUE THEN
            RAISE EXCEPTION 'tier: transfer % does not fit its accounts', lone.source_key
                  USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        -- 2. Nobody gives away what it does not have: these kinds may not take a
        -- limited account below its credit. Usage may (an overrun that a switch
        -- reports after the fact is recorded in full).
        IF short AND lone.kind IN ('allocation', 'reclaim', 'payout', 'expiry') THEN
            RAISE EXCEPTION 'tier: insufficient funds on account %', lone.from_account_id
                  USING ERRCODE = 'check_violation';
        END IF;
        IF limited AND lone.kind = 'usage' THEN
            INSERT INTO tier_spending AS s (account_id, day, amount)
            SELECT id, tier_local_day(lone.date, tz), lone.amount
              FROM tier_account WHERE id = lone.from_account_id
            ON CONFLICT (account_id, day) DO UPDATE SET amount = s.amount + excluded.amount;
        END IF;
        -- It waited for another's lock, so others wait for its own: let them go on when this
        -- is committed, before the disk has it, where the client has said that it then waits
        -- for the disk itself (see writer.post). The log is in the order of the locks: what
        -- they commit is never on the disk before this.
        IF clock_timestamp() - began > interval '0.2 ms' AND current_setting('tier.early', true) = 'allowed' THEN
            PERFORM set_config('synchronous_commit', 'off', true), set_config('tier.early', 'done', true);
        END IF;
        RETURN NULL;
    END IF;

    -- Within a currency what leaves arrives; between two it goes by way of the exchange accounts.
    SELECT n.source_key INTO bad
      FROM new_rows n
     WHERE CASE WHEN n.currency_id = n.currency_to_id
                THEN n.amount <> n.amount_to OR n.exchange_in_id IS NOT NULL OR n.exchange_out_id IS NOT NULL
                ELSE n.exchange_in_id IS NULL OR n.exchange_out_id IS NULL
           END
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'tier: transfer % does not fit its accounts', bad.source_key
              USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    -- Asked for once, so that usage does not pay for looks into the whole ledger.
    corrects := EXISTS (SELECT FROM new_rows WHERE kind IN ('usage', 'refund', 'rebate')
                           AND (reverses_id IS NOT NULL OR kind = 'rebate'));
    -- A refund that names what it undoes is that transfer backwards, to the last
    -- digit; the unique index on reverses_id has it come once.
    IF corrects THEN
        SELECT n.source_key INTO bad
          FROM new_rows n LEFT JOIN tier_transfer o ON o.id = n.reverses_id
         WHERE n.kind = 'refund' AND n.reverses_id IS NOT NULL
           AND (o.kind, o.from_account_id, o.to_account_id, o.amount, o.amount_to)
               IS DISTINCT FROM
               ('usage', n.to_account_id, n.from_account_id, n.amount_to, n.amount)
         LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'tier: refund % is not what it undoes backwards', bad.source_key
                  USING ERRCODE = 'integrity_constraint_violation';
        END IF;

        -- What corrects a payment for usage goes between its two accounts: more usage the same
        -- way, a rebate backwards. It points at the payment itself, never at another correction.
        SELECT n.source_key INTO bad
          FROM new_rows n LEFT JOIN tier_transfer o ON o.id = n.reverses_id
         WHERE (n.kind = 'rebate' OR (n.kind = 'usage' AND n.reverses_id IS NOT NULL))
           AND (o.kind = 'usage' AND o.reverses_id IS NULL
                AND CASE n.kind WHEN 'usage'
                         THEN o.from_account_id = n.from_account_id AND o.to_account_id = n.to_account_id
                         ELSE o.from_account_id = n.to_account_id AND o.to_account_id = n.from_account_id END
               ) IS NOT TRUE
         LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'tier: correction % does not fit the payment that it changes', bad.source_key
                  USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END IF;

    -- One lock order (by id) for everybody: no deadlock between writers.
    began := clock_timestamp();
    -- Who has locked them all before it read what they have says so (writer.announce_locked).
    -- OFFSET 0 keeps the order, and a probe of the primary key for each: the plan is made for
    -- the first batch that a connection sees and serves all that follow.
    IF current_setting('tier.locked', true) IS DISTINCT FROM 'yes' THEN
        PERFORM 1
          FROM (SELECT from_account_id AS id FROM new_rows
                UNION SELECT to_account_id FROM new_rows
                UNION SELECT exchange_in_id FROM new_rows WHERE exchange_in_id IS NOT NULL
                UNION SELECT exchange_out_id FROM new_rows WHERE exchange_out_id IS NOT NULL
                ORDER BY id OFFSET 0) wanted,
               LATERAL (SELECT FROM tier_account WHERE id = wanted.id FOR NO KEY UPDATE) locked;
    END IF;

    -- Each account once, whatever number of transfers it has, and only if it is what these say
    -- that it is: what is not updated does not fit.
    WITH moves AS MATERIALIZED (
        SELECT account_id, company_id, currency_id, wallet_id, exchange, sum(delta) AS delta
          FROM (SELECT from_account_id AS account_id, company_id, currency_id,
                       COALESCE(from_wallet_id, 0) AS wallet_id, false AS exchange, -amount AS delta
                  FROM new_rows
                UNION ALL
                SELECT to_account_id, company_id, currency_to_id, COALESCE(to_wallet_id, 0), false, amount_to
                  FROM new_rows
                UNION ALL
                SELECT exchange_in_id, company_id, currency_id, 0, true, amount
                  FROM new_rows WHERE exchange_in_id IS NOT NULL
                UNION ALL
                SELECT exchange_out_id, company_id, currency_to_id, 0, true, -amount_to
                  FROM new_rows WHERE exchange_out_id IS NOT NULL) moves
         GROUP BY account_id, company_id, currency_id, wallet_id, exchange
    ), moved AS (
        UPDATE tier_account a
           SET balance = a.balance + m.delta
          FROM moves m
         WHERE a.id = m.account_id AND a.company_id = m.company_id AND a.currency_id = m.currency_id
           AND COALESCE(a.wallet_id, 0) = m.wallet_id AND (NOT m.exchange OR a.kind = 'exchange')
        RETURNING a.id, a.kind = 'wallet' AND (a.daily_limit > 0 OR a.monthly_limit > 0) AS counts)
    SELECT (SELECT count(*) FROM moves) = count(*), array_agg(id) FILTER (WHERE counts)
      INTO fits, counted
      FROM moved;
    IF NOT fits THEN
        SELECT n.source_key INTO bad
          FROM new_rows n
          LEFT JOIN tier_account f ON f.id = n.from_account_id
          LEFT JOIN tier_account t ON t.id = n.to_account_id
          LEFT JOIN tier_account i ON i.id = n.exchange_in_id
          LEFT JOIN tier_account o ON o.id = n.exchange_out_id
         WHERE (n.company_id, n.currency_id, n.from_wallet_id)
               IS DISTINCT FROM (f.company_id, f.currency_id, f.wallet_id)
            OR (n.company_id, n.currency_to_id, n.to_wallet_id)
               IS DISTINCT FROM (t.company_id, t.currency_id, t.wallet_id)
            OR n.currency_id <> n.currency_to_id
               AND ((n.company_id, n.currency_id, 'exchange') IS DISTINCT FROM (i.company_id, i.currency_id, i.kind)
                    OR (n.company_id, n.currency_to_id, 'exchange')
                       IS DISTINCT FROM (o.company_id, o.currency_id, o.kind))
         LIMIT 1;
        RAISE EXCEPTION 'tier: transfer % does not fit its accounts', bad.source_key
              USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    -- No more goes back than was paid, corrections included. Asked under the locks of the
    -- accounts, which all who correct one payment need. Leans on the index on reverses_id.
    IF corrects THEN
        SELECT o.source_key INTO bad
          FROM (SELECT DISTINCT reverses_id AS id FROM new_rows
                 WHERE kind IN ('refund', 'rebate') AND reverses_id IS NOT NULL) paid
          JOIN tier_transfer o ON o.id = paid.id
         CROSS JOIN LATERAL (
               SELECT sum(CASE t.kind WHEN 'usage' THEN t.amount ELSE -t.amount_to END) AS amount,
                      sum(CASE t.kind WHEN 'usage' THEN t.amount_to ELSE -t.amount END) AS amount_to
                 FROM tier_transfer t
                WHERE t.reverses_id = o.id AND t.kind IN ('usage', 'refund', 'rebate')) c
         WHERE o.amount + c.amount < 0 OR o.amount_to + c.amount_to < 0
         LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'tier: more would go back of transfer % than was paid', bad.source_key
                  USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END IF;

    -- 2. Nobody gives away what it does not have, as above.
    SELECT a.id INTO bad
      FROM new_rows n
      JOIN tier_account a ON a.id = n.from_account_id
     WHERE n.kind IN ('allocation', 'reclaim', 'payout', 'expiry')
       AND a.kind = 'wallet' AND NOT a.unlimited
       AND a.balance + a.credit_limit - a.held < 0
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'tier: insufficient funds on account %', bad.id
              USING ERRCODE = 'check_violation';
    END IF;

    -- What wallets with a spending limit have spent: see spending.sql. The accounts are
    -- locked, so nobody begins or ends counting in between. A refund gives back the day
    -- on which the money was spent, and what corrects a payment counts on the day of that.
    -- Leans on: tier_account_pkey, tier_transfer_pkey.
    IF counted IS NOT NULL THEN
        INSERT INTO tier_spending (account_id, day, amount)
        SELECT a.id, tier_local_day(n.moment, a.tz), sum(n.amount)
          FROM (SELECT from_account_id AS account_id, date AS moment, amount
                  FROM new_rows WHERE kind = 'usage' AND reverses_id IS NULL
                UNION ALL
                SELECT u.from_account_id, o.date, u.amount
                  FROM new_rows u JOIN tier_transfer o ON o.id = u.reverses_id
                 WHERE u.kind = 'usage'
                UNION ALL
                SELECT r.to_account_id, COALESCE(o.date, r.date), -r.amount_to
                  FROM new_rows r LEFT JOIN tier_transfer o ON o.id = r.reverses_id
                 WHERE r.kind IN ('refund', 'rebate')) n
          JOIN tier_account a ON a.id = n.account_id AND a.id = ANY(counted)
         GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (account_id, day) DO UPDATE
           SET amount = tier_spending.amount + excluded.amount;
    END IF;
    -- As above, for those who wait for one of its accounts.
    IF clock_timestamp() - began > interval '0.2 ms' AND current_setting('tier.early', true) = 'allowed' THEN
        PERFORM set_config('synchronous_commit', 'off', true), set_config('tier.early', 'done', true);
    END IF;
    RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS tier_transfer_apply ON tier_transfer;
CREATE TRIGGER tier_transfer_apply AFTER INSERT ON tier_transfer
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tier_transfer_apply();

-- Every transfer updates rows in tier_account: with room on their pages the new versions stay
-- there, so that no index changes and no page fills up with old ones.
ALTER TABLE tier_account SET (fillfactor = 20);

-- A foreign key to the one user of all charges has every writer lock that user's row.
ALTER TABLE tier_transfer DROP CONSTRAINT IF EXISTS tier_transfer_create_uid_fkey;
ALTER TABLE tier_transfer DROP CONSTRAINT IF EXISTS tier_transfer_write_uid_fkey;

-- 3. The ledger is append-only.
CREATE OR REPLACE FUNCTION tier_transfer_refuse() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'tier: a transfer is never changed or deleted; post a correction'
          USING ERRCODE = 'integrity_constraint_violation';
END $$;

DROP TRIGGER IF EXISTS tier_transfer_append_only ON tier_transfer;
CREATE TRIGGER tier_transfer_append_only BEFORE UPDATE OR DELETE ON tier_transfer
    FOR EACH ROW EXECUTE FUNCTION tier_transfer_refuse();
DROP TRIGGER IF EXISTS tier_transfer_no_truncate ON tier_transfer;
CREATE TRIGGER tier_transfer_no_truncate BEFORE TRUNCATE ON tier_transfer
    FOR EACH STATEMENT EXECUTE FUNCTION tier_transfer_refuse();

-- A truncation passes by the row triggers that keep accounts and holds in step.
CREATE OR REPLACE FUNCTION tier_ledger_no_truncate() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'tier: the ledger is never emptied'
          USING ERRCODE = 'integrity_constraint_violation';
END $$;

DROP TRIGGER IF EXISTS tier_account_no_truncate ON tier_account;
CREATE TRIGGER tier_account_no_truncate BEFORE TRUNCATE ON tier_account
    FOR EACH STATEMENT EXECUTE FUNCTION tier_ledger_no_truncate();
DROP TRIGGER IF EXISTS tier_hold_no_truncate ON tier_hold;
CREATE TRIGGER tier_hold_no_truncate BEFORE TRUNCATE ON tier_hold
    FOR EACH STATEMENT EXECUTE FUNCTION tier_ledger_no_truncate();

-- 4. Figures of an account move only through transfers and holds, that is
-- from inside their triggers (depth above zero). What identifies an account
-- never changes, and an account with history is never deleted.
CREATE OR REPLACE FUNCTION tier_account_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.balance <> 0 OR OLD.held <> 0 OR EXISTS (
            SELECT FROM tier_transfer
             WHERE from_account_id = OLD.id OR to_account_id = OLD.id
                OR exchange_in_id = OLD.id OR exchange_out_id = OLD.id) THEN
            RAISE EXCEPTION 'tier: account % has transfers and cannot be deleted', OLD.id
                  USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN OLD;
    ELSIF TG_OP = 'UPDATE' AND
          (OLD.balance, OLD.held, OLD.open_sessions, OLD.kind, OLD.company_id, OLD.currency_id, OLD.wallet_id)
          IS NOT DISTINCT FROM
          (NEW.balance, NEW.held, NEW.open_sessions, NEW.kind, NEW.company_id, NEW.currency_id, NEW.wallet_id) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'tier: the figures of a ledger account are moved by transfers and holds only'
          USING ERRCODE = 'integrity_constraint_violation';
END $$;

-- Two triggers with short conditions: PostgreSQL reads a condition anew for each statement.
DROP TRIGGER IF EXISTS tier_account_guard_update ON tier_account;
CREATE TRIGGER tier_account_guard_update
    BEFORE UPDATE OF balance, held, open_sessions
    ON tier_account FOR EACH ROW WHEN (pg_trigger_depth() < 1)
    EXECUTE FUNCTION tier_account_guard();
DROP TRIGGER IF EXISTS tier_account_guard_identity ON tier_account;
CREATE TRIGGER tier_account_guard_identity
    BEFORE UPDATE OF kind, company_id, currency_id, wallet_id
    ON tier_account FOR EACH ROW EXECUTE FUNCTION tier_account_guard();
DROP TRIGGER IF EXISTS tier_account_guard_insert ON tier_account;
CREATE TRIGGER tier_account_guard_insert BEFORE INSERT ON tier_account FOR EACH ROW
    -- Not NULL either: what is added to it would be lost.
    WHEN ((NEW.balance, NEW.held, NEW.open_sessions) IS DISTINCT FROM (0, 0, 0))
    EXECUTE FUNCTION tier_account_guard();

-- Limits, when they are set. Not a check constraint: each change of a balance would evaluate
-- it. GREATEST finds NaN as well.
CREATE OR REPLACE FUNCTION tier_account_limits() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF LEAST(NEW.credit_limit, NEW.daily_limit, NEW.monthly_limit) < 0
       OR GREATEST(NEW.credit_limit, NEW.daily_limit, NEW.monthly_limit) >= 1e12 THEN
        RAISE EXCEPTION 'tier: a credit or spending limit is zero or more, and below one trillion'
              USING ERRCODE = 'check_violation', TABLE = 'tier_account',
                    CONSTRAINT = 'tier_account_limits_positive';
    END IF;
    RETURN NEW;
END $$;

DROP TRIGGER IF EXISTS tier_account_limits ON tier_account;
CREATE TRIGGER tier_account_limits
    BEFORE INSERT OR UPDATE OF credit_limit, daily_limit, monthly_limit
    ON tier_account FOR EACH ROW EXECUTE FUNCTION tier_account_limits();
DROP TRIGGER IF EXISTS tier_account_guard_delete ON tier_account;
CREATE TRIGGER tier_account_guard_delete BEFORE DELETE ON tier_account
    FOR EACH ROW EXECUTE FUNCTION tier_account_guard();

-- 5. Holds. held = sum of open holds, open_sessions = their number, kept by
-- the statement that opens, extends or closes them; a hold that a limited
-- account cannot cover is refused here, whatever the caller checked.
CREATE OR REPLACE FUNCTION tier_hold_apply() RETURNS trigger
LANGUAGE plpgsql SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    bad record;
BEGIN
    PERFORM 1 FROM tier_account
      WHERE id IN (SELECT account_id FROM changed_rows) ORDER BY id FOR NO KEY UPDATE;
    UPDATE tier_account a
       SET held = a.held + d.amount * (CASE WHEN TG_OP = 'INSERT' THEN 1 ELSE -1 END),
           open_sessions = a.open_sessions
               + d.sessions * (CASE WHEN TG_OP = 'INSERT' THEN 1 ELSE -1 END)
      FROM (SELECT account_id, sum(amount) AS amount, count(*)::integer AS sessions
              FROM changed_rows WHERE state = 'open' GROUP BY account_id) d
     WHERE a.id = d.account_id;
    IF TG_OP = 'INSERT' THEN
        SELECT a.id INTO bad
          FROM changed_rows n JOIN tier_account a ON a.id = n.account_id
         WHERE n.state = 'open' AND n.amount > 0 AND NOT a.unlimited
           AND a.balance + a.credit_limit - a.held < 0
         LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'tier: hold beyond the available funds of account %', bad.id
                  USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION tier_hold_reapply() RETURNS trigger
LANGUAGE plpgsql SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    bad record;
BEGIN
    PERFORM 1 FROM tier_account
      WHERE id IN (SELECT account_id FROM old_rows UNION SELECT account_id FROM new_rows)
      ORDER BY id FOR NO KEY UPDATE;
    UPDATE tier_account a
       SET held = a.held + d.amount, open_sessions = a.open_sessions + d.sessions
      FROM (SELECT account_id, sum(amount) AS amount, sum(sessions)::integer AS sessions
              FROM (SELECT account_id, amount, 1 AS sessions FROM new_rows WHERE state = 'open'
                    UNION ALL
                    SELECT account_id, -amount, -1 FROM old_rows WHERE state = 'open') moves
             GROUP BY account_id) d
     WHERE a.id = d.account_id AND (d.amount <> 0 OR d.sessions <> 0);
    SELECT a.id INTO bad
      FROM new_rows n
      JOIN old_rows o ON o.id = n.id
      JOIN tier_account a ON a.id = n.account_id
     WHERE n.state = 'open' AND NOT a.unlimited
       AND (o.state <> 'open' OR n.amount > o.amount OR n.account_id <> o.account_id)
       AND n.amount > 0
       AND a.balance + a.credit_limit - a.held < 0
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'tier: hold beyond the available funds of account %', bad.id
              USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS tier_hold_opened ON tier_hold;
CREATE TRIGGER tier_hold_opened AFTER INSERT ON tier_hold
    REFERENCING NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tier_hold_apply();
DROP TRIGGER IF EXISTS tier_hold_changed ON tier_hold;
CREATE TRIGGER tier_hold_changed AFTER UPDATE ON tier_hold
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tier_hold_reapply();
DROP TRIGGER IF EXISTS tier_hold_removed ON tier_hold;
CREATE TRIGGER tier_hold_removed AFTER DELETE ON tier_hold
    REFERENCING OLD TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tier_hold_apply();
