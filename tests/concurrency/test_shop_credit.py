"""Workers that post-process the same payments of the shop at once: each credits its wallet once.

Odoo post-processes a payment from its status page and from a scheduled action, in transactions of
its own. Who loses a race there rolls back and is called again; so do the workers here.
"""

import threading
from decimal import Decimal

import psycopg2
import pytest
from races import race

pytestmark = pytest.mark.usefixtures("conserved")

WORKERS = 6
ATTEMPTS = 200


@pytest.fixture(autouse=True)
def no_mails(arena, monkeypatch):
    """Threads of one process that render one document at once trip over its file: not our matter."""
    order = arena.registry["sale.order"]
    for name in ("_send_order_confirmation_mail", "_send_payment_succeeded_for_order_mail"):
        monkeypatch.setattr(order, name, lambda self: None)


@pytest.fixture
def buyer(arena):
    """A customer of the provider, with inside money."""
    with arena.planting() as plant:
        return plant(plant(), "0.60")


@pytest.fixture
def outside_buyer(arena):
    """A customer whose money its reseller collects: a purchase moves money on three tiers."""
    with arena.planting() as plant:
        reseller = plant(plant(), "0.30")
        return plant(plant(reseller, "0.40", money="outside"), "0.60", currency="XTS")


def _purchase(arena, wallet, *amounts):
    """An order of 20 of credit and its payments by the demo provider, done but not processed.

    :return: ids of the payments
    """
    with arena.env() as env:
        credit = env.ref("tier_ecommerce.product_credit").product_variant_ids[0]
        partner = env["tier.wallet"].browse(wallet.id).partner_id
        line = {"product_id": credit.id, "price_unit": 20, "product_uom_qty": 1, "tier_wallet_id": wallet.id}
        order = env["sale.order"].create(
            {"partner_id": partner.id, "pricelist_id": False, "order_line": [(0, 0, line)]}
        )
        assert order.currency_id.name == "USD"
        payments = env["payment.transaction"].create(
            [
                {
                    "provider_id": env.ref("payment.payment_provider_demo").id,
                    "payment_method_id": env.ref("payment_demo.payment_method_demo").id,
                    "reference": arena.key(order.name),
                    "amount": amount,
                    "currency_id": order.currency_id.id,
                    "partner_id": partner.id,
                    "operation": "online_direct",
                    "sale_order_ids": [(6, 0, order.ids)],
                }
                for amount in amounts
            ]
        )
        payments._set_done()
        return payments.ids


def _refund(arena, payment, amount):
    """A refund that the provider has done; its id."""
    with arena.env() as env:
        return env["payment.transaction"].browse(payment)._refund(amount).id


def _post_process(arena, payment):
    """Process a payment as a worker does: again after a lost race.

    :return: how many races were lost
    """
    for lost in range(ATTEMPTS):
        try:
            with arena.env() as env:
                env["payment.transaction"].browse(payment)._post_process()
            return lost
        except (psycopg2.OperationalError, psycopg2.IntegrityError):
            threading.Event().wait(0.01)
    raise AssertionError(f"payment {payment} lost {ATTEMPTS} races")


def _transfers(arena, wallet):
    """Number of transfers of a wallet that the shop has caused."""
    return arena.value(
        "SELECT count(*) FROM tier_transfer"
        " WHERE source_key LIKE 'shop:%%' AND (from_wallet_id = %s OR to_wallet_id = %s)",
        wallet.id,
        wallet.id,
    )


def test_one_payment_in_many_workers(arena, buyer):
    """Guards the source key of the credit, with the poll beside the scheduled action."""
    [payment] = _purchase(arena, buyer, 20)
    race([lambda: _post_process(arena, payment)] * WORKERS)
    assert arena.balance(buyer) == 20
    assert _transfers(arena, buyer) == 1
    with arena.env() as env:
        order = env["payment.transaction"].browse(payment).sale_order_ids
        assert order.order_line.tier_credited == 20
        notes = env["tier.wallet"].browse(buyer.id).message_ids.filtered(lambda m: "credited" in m.body)
        assert len(notes) == 1


def test_the_parts_of_one_order_at_once(arena, buyer):
    """Guards that what one worker has credited is not lost on another that read before it."""
    payments = _purchase(arena, buyer, 3.33, 3.33, 3.34, 10)
    race([lambda payment=payment: _post_process(arena, payment) for payment in payments * 2])
    assert arena.balance(buyer) == 20
    assert _transfers(arena, buyer) == len(payments)


def test_one_refund_in_many_workers(arena, outside_buyer):
    """Guards the source key of what is taken back, on every tier of an outside chain."""
    reseller = outside_buyer.parent.parent
    [payment] = _purchase(arena, outside_buyer, 20)
    refund = _refund(arena, payment, 8)
    race([lambda tx=tx: _post_process(arena, tx) for tx in (refund, payment) * (WORKERS // 2)])
    assert arena.balance(reseller) == 12
    assert arena.balance(outside_buyer) == Decimal(12) * Decimal("1.25")
    assert _transfers(arena, outside_buyer) == 2


def test_two_refunds_at_once(arena, buyer):
    """Guards that two workers which both read "nothing taken back yet" do not both take the same."""
    [payment] = _purchase(arena, buyer, 20)
    _post_process(arena, payment)
    refunds = [_refund(arena, payment, amount) for amount in (5, 7)]
    race([lambda tx=tx: _post_process(arena, tx) for tx in refunds * 2])
    assert arena.balance(buyer) == 8


def test_post_processing_that_fails_later(arena, buyer, monkeypatch):
    """The money is there: its credit stays, and comes once, whatever becomes of the rest."""
    [payment] = _purchase(arena, buyer, 20)
    confirm = "_check_amount_and_confirm_order"
    with monkeypatch.context() as broken:
        broken.setattr(arena.registry["payment.transaction"], confirm, lambda self: 1 / 0)
        for _attempt in range(2):
            with pytest.raises(ZeroDivisionError):
                _post_process(arena, payment)
    assert arena.balance(buyer) == 20
    with arena.env() as env:
        assert env["payment.transaction"].browse(payment).sale_order_ids.state == "draft"
    _post_process(arena, payment)
    with arena.env() as env:
        assert env["payment.transaction"].browse(payment).sale_order_ids.state == "sale"
    assert arena.balance(buyer) == 20
    assert _transfers(arena, buyer) == 1


def test_a_purchase_amid_calls(arena, buyer):
    """The wallet of a busy customer changes all the time, and yet its purchase goes through."""
    arena.fund(buyer, "100")
    [payment] = _purchase(arena, buyer, 20)
    busy, bought = threading.Event(), threading.Event()
    calls = []

    def talk():
        while not bought.is_set():
            calls.append(arena.call(buyer, 1, 1))
            if len(calls) > 10:
                busy.set()

    def buy():
        try:
            assert busy.wait(60)
            return _post_process(arena, payment)
        finally:
            bought.set()

    assert race([talk, talk, buy])[-1] == 0  # no race lost, unlike a longer transaction
    assert arena.balance(buyer) == 120 - sum(map(buyer.pays, calls))
