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
    bad record;
BEGIN
    SELECT n.source_key INTO bad
      FROM new_rows n
      LEFT JOIN tier_account f ON f.id = n.from_account_id
      LEFT JOIN tier_account t ON t.id = n.to_account_id
      LEFT JOIN tier_account i ON i.id = n.exchange_in_id
      LEFT JOIN tier_account o ON o.id = n.exchange_out_id
     WHERE f.id IS NULL OR t.id IS NULL
        OR n.company_id IS DISTINCT FROM f.company_id
        OR n.company_id IS DISTINCT FROM t.company_id
        OR n.currency_id IS DISTINCT FROM f.currency_id
        OR n.currency_to_id IS DISTINCT FROM t.currency_id
        OR n.from_wallet_id IS DISTINCT FROM f.wallet_id
        OR n.to_wallet_id IS DISTINCT FROM t.wallet_id
        OR CASE WHEN f.currency_id = t.currency_id
                THEN n.amount <> n.amount_to
                     OR n.exchange_in_id IS NOT NULL
                     OR n.exchange_out_id IS NOT NULL
                ELSE i.kind IS DISTINCT FROM 'exchange'
                     OR i.company_id IS DISTINCT FROM f.company_id
                     OR i.currency_id IS DISTINCT FROM f.currency_id
                     OR o.kind IS DISTINCT FROM 'exchange'
                     OR o.company_id IS DISTINCT FROM t.company_id
                     OR o.currency_id IS DISTINCT FROM t.currency_id
           END
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'tier: transfer % does not fit its accounts', bad.source_key
              USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    -- A refund that names what it undoes is that transfer backwards, to the last
    -- digit; the unique index on reverses_id has it come once. Asked for apart, so
    -- that usage does not pay for a look into the whole ledger.
    IF EXISTS (SELECT FROM new_rows WHERE kind = 'refund' AND reverses_id IS NOT NULL) THEN
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
    END IF;

    -- One lock order (by id) for everybody: no deadlock between writers.
    PERFORM 1 FROM tier_account
      WHERE id IN (SELECT from_account_id FROM new_rows
                   UNION SELECT to_account_id FROM new_rows
                   UNION SELECT exchange_in_id FROM new_rows
                   UNION SELECT exchange_out_id FROM new_rows)
      ORDER BY id FOR NO KEY UPDATE;

    UPDATE tier_account a
       SET balance = a.balance + d.delta
      FROM (SELECT account_id, sum(delta) AS delta
              FROM (SELECT from_account_id AS account_id, -amount AS delta FROM new_rows
                    UNION ALL SELECT to_account_id, amount_to FROM new_rows
                    UNION ALL SELECT exchange_in_id, amount FROM new_rows
                              WHERE exchange_in_id IS NOT NULL
                    UNION ALL SELECT exchange_out_id, -amount_to FROM new_rows
                              WHERE exchange_out_id IS NOT NULL) moves
             GROUP BY account_id) d
     WHERE a.id = d.account_id;

    -- 2. Nobody gives away what it does not have: these kinds may not take a
    -- limited account below its credit. Usage may (an overrun that a switch
    -- reports after the fact is recorded in full).
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
    RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS tier_transfer_apply ON tier_transfer;
CREATE TRIGGER tier_transfer_apply AFTER INSERT ON tier_transfer
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tier_transfer_apply();

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
    END IF;
    RAISE EXCEPTION 'tier: the figures of a ledger account are moved by transfers and holds only'
          USING ERRCODE = 'integrity_constraint_violation';
END $$;

DROP TRIGGER IF EXISTS tier_account_guard_update ON tier_account;
CREATE TRIGGER tier_account_guard_update
    BEFORE UPDATE OF balance, held, open_sessions, kind, company_id, currency_id, wallet_id
    ON tier_account FOR EACH ROW
    WHEN ((pg_trigger_depth() < 1
           AND (OLD.balance, OLD.held, OLD.open_sessions)
               IS DISTINCT FROM (NEW.balance, NEW.held, NEW.open_sessions))
          OR (OLD.kind, OLD.company_id, OLD.currency_id, OLD.wallet_id)
               IS DISTINCT FROM (NEW.kind, NEW.company_id, NEW.currency_id, NEW.wallet_id))
    EXECUTE FUNCTION tier_account_guard();
DROP TRIGGER IF EXISTS tier_account_guard_insert ON tier_account;
CREATE TRIGGER tier_account_guard_insert BEFORE INSERT ON tier_account FOR EACH ROW
    -- Not NULL either: what is added to it would be lost.
    WHEN ((NEW.balance, NEW.held, NEW.open_sessions) IS DISTINCT FROM (0, 0, 0))
    EXECUTE FUNCTION tier_account_guard();
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
