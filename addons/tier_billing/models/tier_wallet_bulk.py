from collections import defaultdict
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .. import ledger
from ..ledger.grants import BACK, Distribution, Purse
from .tier_wallet_control import plain

# Refusals that one message tells of; the dry run shows them all.
TOLD = 10


class TierWallet(models.Model):
    """Credit for thousands of wallets in a handful of statements."""

    _inherit = "tier.wallet"

    @api.model
    def _distribute(self, grants, reason=None, skip=False, dry_run=False):
        """Give many wallets funds of their parents, in one transaction.

        The same rules as :meth:`_allocate`, with the same locks, checked for all of them under
        one lock: in the order given, so that whoever comes first gets what there is.

        :param grants: list of :class:`Grant`; their source keys differ
        :param str reason: free text, for all
        :param bool skip: give to those that can be given to; else it is all or nothing
        :param bool dry_run: only tell what would happen; nothing is locked or posted
        :rtype: Distribution
        :raise UserError: all or nothing, and some are refused; names the first of them
        """
        self.env.flush_all()
        result = Distribution()
        plans = self._plan_grants(grants, reason, result)
        states = self._grant_states(plans, lock=not dry_run)
        known = self._posted_keys([grant.source_key for grant in grants])
        movements, fresh = [], []
        purse = Purse(states)
        for position, wallet, back, give in plans:
            if give.source_key in known:
                result.known.append(position)
                # Posted once more below: the ledger tells whether it is the same.
                movements.append(give)
                continue
            try:
                wallet._check_grant(purse, back, give)
            except UserError as error:
                result.refused[position] = str(error)
                continue
            result.given.append(position)
            movements += [movement for movement in (back, give) if movement]
            fresh.append(give.source_key)
        if dry_run:
            return result
        if result.refused and not skip:
            raise UserError(self._refusal_text(grants, result.refused))
        if movements:
            prolongs = {give.source_key for _position, wallet, _back, give in plans if wallet.credit_valid_days}
            transfers = self.env["tier.transfer"].sudo()._post(movements)
            prolongs.intersection_update(fresh)
            if prolongs:
                self._prolong_validity(transfers.filtered(lambda transfer: transfer.source_key in prolongs))
        return result

    @api.model
    def _lock_grants(self, grants):
        """Lock all that grants are going to touch, for who has to look before giving.

        :param list grants: :class:`Grant`
        """
        self._grant_states(self._plan_grants(grants, None, Distribution()), lock=True)

    @api.model
    def _plan_grants(self, grants, reason, result):
        """Build the movements of grants; what can never be granted goes to the refused.

        :return: list of (position, wallet, ``Movement`` back or None, ``Movement`` given)
        """
        # One read for all wallets, and one look at each pair of currencies.
        wallets = self.sudo().browse({grant.wallet_id: None for grant in grants}).with_context(tier_rates={})
        by_id = {wallet.id: wallet for wallet in wallets}
        plans = []
        for position, grant in enumerate(grants):
            wallet = by_id[grant.wallet_id]
            try:
                amount = wallet._check_amount(grant.amount)
                if not wallet.parent_id:
                    raise UserError(self.env._("%s has no parent: top it up instead.", wallet.name))
                sides = wallet.grant_account_id, wallet.account_id
                give = wallet._movement("allocation", *sides, amount, grant.source_key, reason)
                back = None
                if grant.returned:
                    key = f"{grant.source_key}{BACK}"
                    back = wallet._movement("reclaim", *reversed(sides), grant.returned, key, reason)
            except UserError as error:
                result.refused[position] = str(error)
                continue
            plans.append((position, wallet, back, give))
        return plans

    @api.model
    def _grant_states(self, plans, lock):
        """Lock all that grants touch, in the one lock order, and read it.

        :return: dict of account id to :class:`..ledger.writer.Account`
        """
        movements = [movement for plan in plans for movement in plan[2:] if movement]
        # The overcommit guard looks at what the parent has as well.
        parents = {plan[1].parent_id.account_id.id for plan in plans}
        if not lock:
            touched = {account for move in movements for account in (move.from_account, move.to_account)}
            return ledger.writer.read_accounts(self.env.cr, parents | touched)
        states = ledger.writer.lock_accounts(self.env.cr, parents, movements)
        # What was closed or moved elsewhere while this waited for the locks.
        self.invalidate_model(["state", "parent_id", "grant_account_id"], flush=False)
        return states

    def _check_grant(self, purse, back, give):
        """Refuse a grant that the parent cannot give; else take it out of the purse.

        :param Purse purse: what every account has at this point of the batch
        :param back: ``Movement`` to the parent, or None
        :param give: ``Movement`` from the parent
        :raise UserError: saying why
        """
        self._check_open()
        self._check_still_granted(give)
        if back:
            purse.move(back)
        try:
            if self.money == "outside":
                parent = self.parent_id
                if parent.overcommit_percent:
                    funds = purse.available(parent.account_id.id) or Decimal(0)
                    self._check_ceiling(give.amount - purse.balance(give.from_account), funds)
            else:
                self._check_funds(give, purse.available(give.from_account))
        except UserError:
            if back:
                purse.move(back, -1)
            raise
        purse.move(give)

    @api.model
    def _posted_keys(self, keys):
        """Return which of these source keys the ledger knows.

        :param keys: list of str
        :rtype: set
        """
        self.env.cr.execute(SQL("SELECT source_key FROM tier_transfer WHERE source_key = ANY(%s)", list(keys)))
        return {row[0] for row in self.env.cr.fetchall()}

    @api.model
    def _refusal_text(self, grants, refused):
        """Say which grants were refused, and why.

        :param grants: list of :class:`Grant`
        :param refused: dict of position to why
        :rtype: str
        """
        lines = [
            f"{grants[position].label}: {why}" if grants[position].label else why
            for position, why in sorted(refused.items())[:TOLD]
        ]
        if len(refused) > TOLD:
            lines.append(self.env._("… and %s more.", len(refused) - TOLD))
        return "\n".join([self.env._("Nothing was given, for %s cannot be:", len(refused)), *lines])

    @api.model
    def _totals(self, grants):
        """Return what grants amount to.

        :param grants: list of :class:`Grant` with amounts that are right
        :return: dict of ``res.currency`` to Decimal
        """
        totals = defaultdict(Decimal)
        by_id = {wallet.id: wallet for wallet in self.browse({grant.wallet_id: None for grant in grants})}
        for grant in grants:
            wallet = by_id[grant.wallet_id]
            totals[wallet.currency_id] += wallet._to_decimal(grant.amount)
        return dict(totals)

    @api.model
    def _totals_text(self, totals):
        """Return totals by currency as people write them.

        :param totals: dict of ``res.currency`` to Decimal
        :rtype: str
        """
        return ", ".join(f"{plain(total)} {currency.name}" for currency, total in totals.items())

    @api.model
    def _in_company_currency(self, totals, company):
        """Return totals by currency as one amount, at today's rates.

        :param totals: dict of ``res.currency`` to Decimal
        :param company: ``res.company``
        :rtype: Decimal
        """
        today = fields.Date.context_today(self)
        return sum(
            (total * self._rate(currency, company.currency_id, today) for currency, total in totals.items()), Decimal(0)
        )
