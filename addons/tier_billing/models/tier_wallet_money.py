from decimal import ROUND_HALF_UP, Decimal

from odoo import fields, models
from odoo.exceptions import UserError

from .. import ledger
from ..const import MONEY_LIMIT, MONEY_SCALE
from ..ledger.writer import Movement


class TierWallet(models.Model):
    """What moves money in and out of a wallet, usage apart.

    All methods take a source key: calling again with the same key changes
    nothing, with another amount it is an error. Amounts are ``Decimal`` or
    strings, in the currency of the wallet.
    """

    _inherit = "tier.wallet"

    def _topup(self, amount, source_key, reason=None):
        """Credit money that came in from outside the system (shop, bank, invoice).

        A wallet with outside money is credited from its nearest inside
        ancestor down: the provider has collected for that ancestor, so the
        money goes there and every reseller below grants the same credit on.

        :param amount: what was paid, in the wallet's currency
        :param str source_key: names the payment
        :param str reason: free text
        :return: the transfers
        """
        movements = self._topup_movements(amount, source_key, reason)
        Transfer = self.env["tier.transfer"].sudo()
        if self._is_posted(source_key):
            # A repeat on another day would convert the further steps at another
            # rate: the first, fixed in this wallet's currency, tells whether it is one.
            first = Transfer._post(movements[:1])
            keys = [movement.source_key for movement in movements[1:]]
            return first | Transfer.search([("source_key", "in", keys)])
        return Transfer._post(movements)

    def _topup_movements(self, amount, source_key, reason=None):
        """Build the movements of :meth:`_topup`, that with the key first.

        :return: list of :class:`..ledger.writer.Movement`
        """
        self.ensure_one()
        amount = self._check_amount(amount)
        ancestor, *chain = self._outside_chain()
        world = self.env["tier.account"].sudo()._get("world", self.company_id, self.currency_id)
        return [
            self._movement("topup", world, ancestor.account_id, amount, source_key, reason),
            *(
                self._movement(
                    "allocation",
                    wallet.grant_account_id,
                    wallet.account_id,
                    amount,
                    f"{source_key}:{wallet.id}",
                    reason,
                )
                for wallet in chain
            ),
        ]

    def _withdraw(self, amount, source_key, reason=None, kind="payout"):
        """Pay money out to the world (a refund of a top-up, a payout).

        :param amount: in the wallet's currency
        :param str source_key: names the withdrawal
        :param str reason: free text
        :param str kind: ``payout`` (needs the funds) or ``adjustment`` (may overdraw)
        :return: the transfers
        """
        self.ensure_one()
        if self.money == "outside":
            raise UserError(
                self.env._(
                    "%s holds credit from its reseller, not the provider's money: reclaim it.",
                    self.name,
                )
            )
        amount = self._check_amount(amount)
        world = self.env["tier.account"].sudo()._get("world", self.company_id, self.currency_id)
        movement = self._movement(kind, self.account_id, world, amount, source_key, reason)
        if kind == "payout":
            self._check_available(movement, on_credit=False)
        return self.env["tier.transfer"].sudo()._post([movement])

    def _allocate(self, amount, source_key, reason=None):
        """Give this wallet funds of its parent.

        :param amount: what this wallet receives, in its currency
        :param str source_key: names the allocation
        :param str reason: free text
        :return: the transfer
        """
        self.ensure_one()
        self._check_open()
        amount = self._check_amount(amount)
        grant = self.sudo().grant_account_id
        if not self.parent_id:
            raise UserError(self.env._("%s has no parent: top it up instead.", self.name))
        movement = self._movement("allocation", grant, self.account_id, amount, source_key, reason)
        if self.money == "inside":
            self._check_available(movement)
        else:
            self._check_overcommit(movement)
        return self.env["tier.transfer"].sudo()._post([movement])

    def _reclaim(self, amount, source_key, reason=None):
        """Take unused funds back into the parent.

        :param amount: what leaves this wallet, in its currency
        :param str source_key: names the reclaim
        :param str reason: free text
        :return: the transfer
        """
        self.ensure_one()
        amount = self._check_amount(amount)
        if not self.parent_id:
            raise UserError(self.env._("%s has no parent to return funds to.", self.name))
        movement = self._movement(
            "reclaim",
            self.account_id,
            self.sudo().grant_account_id,
            amount,
            source_key,
            reason,
        )
        self._check_available(movement, on_credit=False)
        return self.env["tier.transfer"].sudo()._post([movement])

    def _adjust(self, amount, source_key, reason):
        """Correct a balance by hand, against the provider's earnings.

        :param amount: signed; positive credits the wallet
        :param str source_key: names the adjustment
        :param str reason: why; mandatory, and noted in the chatter
        :return: the transfer
        """
        self.ensure_one()
        if not (reason or "").strip():
            raise UserError(self.env._("An adjustment needs a reason."))
        amount = self._to_decimal(amount)
        root = self._root()
        earnings = self.env["tier.account"].sudo()._get("earnings", root.company_id, root.currency_id, root)
        give, take = (earnings, self.account_id) if amount > 0 else (self.account_id, earnings)
        magnitude = self._check_amount(abs(amount))
        movement = self._movement(
            "adjustment",
            give,
            take,
            magnitude,
            source_key,
            reason,
        )
        self.env.flush_all()
        ledger.writer.lock_accounts(self.env.cr, (), [movement])
        fresh = not self._is_posted(source_key)
        transfers = self.env["tier.transfer"].sudo()._post([movement])
        if fresh:
            self.message_post(body=self.env._("Adjusted by %(amount)s: %(reason)s", amount=amount, reason=reason))
        return transfers

    # ------------------------------------------------------------------
    # Helpers
    # ------------------------------------------------------------------

    def _root(self):
        """Return the provider's wallet at the top of this one's chain."""
        self.ensure_one()
        return self.sudo().browse(int(self.parent_path.split("/")[0]))

    def _outside_chain(self):
        """Return the nearest inside ancestor and every wallet down to this one.

        For a wallet with inside money that is the wallet alone.

        :return: list of ``tier.wallet``, the ancestor first
        """
        self.ensure_one()
        chain = [self.sudo()]
        while chain[0].money == "outside":
            chain.insert(0, chain[0].parent_id)
        return chain

    def _to_decimal(self, amount):
        """Return an amount as an exact number.

        A float is taken at its shortest decimal form, as people typed it.

        :param amount: ``Decimal``, ``int``, ``str`` or ``float``
        :rtype: Decimal
        :raise UserError: for what is no finite number
        """
        try:
            value = Decimal(repr(amount) if isinstance(amount, float) else str(amount))
        except ArithmeticError as error:
            raise UserError(self.env._("%s is not an amount.", amount)) from error
        if not value.is_finite():
            raise UserError(self.env._("%s is not an amount.", amount))
        return value

    def _check_amount(self, amount):
        """Return a positive, exact amount that the ledger can keep.

        :param amount: see :meth:`_to_decimal`
        :rtype: Decimal
        :raise UserError: when it is zero, negative, too large or too fine
        """
        value = self._to_decimal(amount)
        if value <= 0:
            raise UserError(self.env._("The amount must be above zero."))
        if value >= MONEY_LIMIT:
            raise UserError(self.env._("The amount is too large."))
        exact = value.quantize(Decimal(1).scaleb(-MONEY_SCALE))
        if value != exact:
            raise UserError(
                self.env._("An amount has at most %s decimals.", MONEY_SCALE),
            )
        # Zeros at the end do not count as decimals here, but do in the database.
        return exact if value.as_tuple().exponent < -MONEY_SCALE else value

    def _check_open(self):
        """Refuse to fund a closed wallet."""
        if self.state == "closed":
            raise UserError(self.env._("%s is closed.", self.name))

    def _is_posted(self, source_key):
        """Tell whether the ledger knows this key: a repeat needs no funds.

        :param str source_key: of a transfer
        :rtype: bool
        """
        return bool(self.env["tier.transfer"].sudo().search_count([("source_key", "=", source_key)], limit=1))

    def _check_available(self, movement, on_credit=True):
        """Lock the accounts of a movement and check that the first can give this much.

        A repeat of what was posted needs no funds. That is known under the lock only:
        the first may have been posted while this waited for it.

        :param Movement movement: about to be posted
        :param bool on_credit: may be taken from a credit limit. A credit line is there to
            buy with; paid out or reclaimed it would be money from nothing.
        :raise UserError: when it cannot
        """
        self.env.flush_all()
        state = ledger.writer.lock_accounts(self.env.cr, (), [movement])[movement.from_account]
        if self._is_posted(movement.source_key):
            return
        self.invalidate_recordset(["grant_account_id"], flush=False)
        self._check_still_granted(movement)
        available = state.available
        if available is not None and not on_credit:
            available -= state.credit_limit
        self._check_funds(movement, available)

    def _check_still_granted(self, movement):
        """Refuse what was to move between this wallet and a parent that it has no more.

        It may have been moved below another while this waited for the lock: to be
        called with what is read after that.

        :param Movement movement: about to be posted
        """
        if movement.kind not in ("allocation", "reclaim"):
            return
        if self.sudo().grant_account_id.id not in (movement.from_account, movement.to_account):
            raise UserError(self.env._("%s was moved below another parent just now: look again.", self.name))

    def _check_funds(self, movement, available):
        """Refuse a movement beyond what its payer has.

        :param Movement movement: about to be posted
        :param available: what the payer may give, in its currency; None without a limit
        :raise UserError: when it is not enough
        """
        if available is not None and available < movement.amount:
            account = self.env["tier.account"].sudo().browse(movement.from_account)
            raise UserError(
                self.env._(
                    "%(owner)s has %(available)s %(currency)s available, %(amount)s %(currency)s are needed.",
                    owner=account.wallet_id.name,
                    available=f"{available.normalize():f}",
                    amount=f"{movement.amount.normalize():f}",
                    currency=account.currency_id.name,
                )
            )

    def _check_overcommit(self, movement):
        """Refuse a grant of outside credit beyond the parent's overcommit guard.

        What customers may owe the parent in one currency stays below a
        percentage of what the parent itself has available.

        :param Movement movement: the new grant, out of the parent's outside account
        :raise UserError: when the guard is exceeded
        """
        parent = self.sudo().parent_id
        if not parent.overcommit_percent:
            return
        self.env.flush_all()
        grant = self.sudo().grant_account_id
        states = ledger.writer.lock_accounts(self.env.cr, [parent.account_id.id], [movement])
        if self._is_posted(movement.source_key):
            return
        self.invalidate_recordset(["grant_account_id"], flush=False)
        self._check_still_granted(movement)
        funds = states[parent.account_id.id].available or Decimal(0)
        self._check_ceiling(movement.amount - states[grant.id].balance, funds)

    def _check_ceiling(self, granted, funds):
        """Refuse outside credit beyond a percentage of what the parent has.

        :param Decimal granted: what would be out in all, in the currency of the grant
        :param Decimal funds: what the parent has available, in its currency
        :raise UserError: when it is too much
        """
        parent = self.sudo().parent_id
        grant = self.sudo().grant_account_id
        rate = self._rate(parent.currency_id, grant.currency_id, fields.Date.today())
        ceiling = funds * rate * self._to_decimal(parent.overcommit_percent) / 100
        if granted > ceiling:
            raise UserError(
                self.env._(
                    "%(parent)s may grant %(ceiling)s %(currency)s in all, %(granted)s %(currency)s would be out.",
                    parent=parent.name,
                    ceiling=f"{ceiling:.2f}",
                    granted=f"{granted:.2f}",
                    currency=grant.currency_id.name,
                )
            )

    def _rate(self, source, target, date):
        """Return Odoo's conversion rate as an exact number.

        :param source: ``res.currency`` to convert from
        :param target: ``res.currency`` to convert to
        :param date: day of the rate
        :rtype: Decimal
        """
        if source == target:
            return Decimal(1)
        # A batch looks each pair of currencies up once.
        rates = self.env.context.get("tier_rates")
        key = (source.id, target.id, self.company_id.id, date)
        if not isinstance(rates, dict):
            rates = {}
        if key not in rates:
            company = self.company_id or self.env.company
            rate = self.env["res.currency"]._get_conversion_rate(source, target, company, date)
            rates[key] = Decimal(repr(rate)).quantize(Decimal(1).scaleb(-12))
        return rates[key]

    def _movement(self, kind, giver, receiver, amount, source_key, reason=None):
        """Build one movement, converted at today's rate when currencies differ.

        ``amount`` is fixed on the side of this wallet's currency, the other
        side is converted from it.

        :param str kind: transfer kind
        :param giver: ``tier.account``
        :param receiver: ``tier.account``
        :param Decimal amount: in this wallet's currency
        :param str source_key: see class
        :param str reason: free text
        :rtype: Movement
        """
        today = fields.Date.context_today(self)
        give_rate = self._rate(self.currency_id, giver.currency_id, today)
        take_rate = self._rate(self.currency_id, receiver.currency_id, today)
        give = self._quantize(amount * give_rate, giver.currency_id)
        take = self._quantize(amount * take_rate, receiver.currency_id)
        if giver.currency_id == self.currency_id:
            give = amount
        if receiver.currency_id == self.currency_id:
            take = amount
        return Movement(
            source_key=source_key,
            kind=kind,
            from_account=giver.id,
            to_account=receiver.id,
            amount=give,
            amount_to=take,
            rate=(take_rate / give_rate).quantize(Decimal(1).scaleb(-12)),
            date=fields.Datetime.now(),
            reason=reason or None,
        )

    def _quantize(self, amount, currency):
        """Round an amount to what can be paid in a currency.

        :param Decimal amount: exact
        :param currency: ``res.currency``
        :rtype: Decimal
        """
        return amount.quantize(Decimal(1).scaleb(-currency.decimal_places), ROUND_HALF_UP)
