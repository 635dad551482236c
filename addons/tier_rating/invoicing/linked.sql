-- Forgets up to where a wallet's usage stands on invoices, once some of it stands there no more, however it came off.
-- Installed by tier.charge.invoice on every install and upgrade; idempotent.
CREATE OR REPLACE FUNCTION tier_charge_unlinked() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tier_wallet SET usage_linked_before = NULL, usage_linked_id = NULL
     WHERE usage_linked_before IS NOT NULL
       AND id IN (SELECT c.wallet_id FROM changed_rows r JOIN tier_charge c ON c.id = r.charge_id);
    RETURN NULL;
END $$;
