"""What the charging path takes: one thing consumed, ready to be priced."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from typing import NamedTuple

from ..engine.dialling import Dialling


@dataclass(slots=True)
class Usage:
    """One usage event on its way to being charged.

    :param source_key: unique name of the record; charged once
    :param service: code of the service
    :param quantity: seconds (with fraction) or units
    :param number: normalised number or resource code; empty if there is none
    :param accounts: identities of the caller, best first, as (kind, value)
    :param wallet_id: when the payer is known without an endpoint
    :param started_at: naive UTC; so are the other times
    :param session_key: of the authorization that this settles, if any
    :param bad: (reason, message) when the record could not be read
    :param bool is_code: the number is a resource code, which no dial plan reads
    """

    source_key: str
    service: str = "voice"
    quantity: Decimal = Decimal(0)
    number: str = ""
    accounts: tuple = ()
    wallet_id: int | None = None
    caller: str = ""
    callee: str = ""
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    disposition: str = ""
    cause: str = ""
    q850: int | None = None
    sip_code: int | None = None
    source_ip: str = ""
    source_port: int | None = None
    user_agent: str = ""
    raw: str = ""
    line: int = 0
    switch_id: int | None = None
    import_id: int | None = None
    company_id: int | None = None
    session_key: str | None = None
    bad: tuple | None = None
    is_code: bool = False

    @property
    def answered(self):
        """Whether there is anything to pay for."""
        return self.quantity > 0

    @property
    def priced_from(self):
        """The moment whose rates and time band apply: the answer, else the start."""
        return self.answered_at or self.started_at


def naive(moment):
    """Return a time as the database keeps it.

    :param moment: aware ``datetime`` or None
    :return: naive UTC ``datetime`` or None
    """
    if moment is None:
        return None
    if moment.tzinfo is not timezone.utc:
        moment = moment.astimezone(timezone.utc)
    return moment.replace(tzinfo=None)


#: The fields of ``tier.dial.mixin`` that tell how people dial, texts first.
DIALLED_BY = (
    "country_prefix",
    "international_prefix",
    "national_prefix",
    "area_code",
    "outside",
    "national_length",
    "local_length",
    "extension_length",
)


class DialPlan(NamedTuple):
    """What is needed of a switch to read its records.

    :param int id: of the switch
    :param str code: names its records
    :param int company_id: whose switch it is
    :param Dialling dialling: how people dial there
    """

    id: int
    code: str
    company_id: int
    dialling: Dialling

    @classmethod
    def of(cls, switch):
        """Take it from a record, once for a file.

        :param switch: ``tier.switch`` record
        """
        return cls(switch.id, switch.code, switch.company_id.id, switch._dialling())

    def number(self, callee):
        """Return the number in international form that was dialled.

        :param str callee: as the switch reports it
        """
        return self.dialling.number(callee)


def dialling(values):
    """Return how people dial.

    :param dict values: the fields :data:`DIALLED_BY` of a switch or a dial plan
    :rtype: Dialling
    """
    texts = {name: values[name] or "" for name in DIALLED_BY[:5]}
    return Dialling(**texts, **{name: values[name] or 0 for name in DIALLED_BY[5:]})


def from_record(record, plan, import_id=None):
    """Make a usage of what an adapter read.

    :param record: ``adapters.base.UsageRecord``
    :param DialPlan plan: of the switch that wrote it
    :param int import_id: of the file it came in
    :rtype: Usage
    """
    return Usage(
        source_key=f"{plan.code}:{record.record_id}",
        session_key=f"{plan.code}:{record.session_id}" if record.session_id else None,
        service=record.service,
        quantity=record.quantity,
        number=record.resource or plan.number(record.callee),
        accounts=record.accounts,
        caller=record.caller,
        callee=record.callee,
        started_at=naive(record.start),
        answered_at=naive(record.answer),
        ended_at=naive(record.end),
        disposition=record.disposition,
        cause=record.cause,
        q850=record.q850,
        sip_code=record.sip_code,
        source_ip=record.source_ip,
        source_port=record.source_port,
        user_agent=record.user_agent,
        raw=record.raw,
        line=record.line,
        switch_id=plan.id,
        import_id=import_id,
        company_id=plan.company_id,
        is_code=bool(record.resource),
    )


def from_bad_record(record, plan, import_id=None):
    """Make a usage that can only wait in suspense of what could not be read.

    Its key is its text, so reading the file again does not repeat it.

    :param record: ``adapters.base.BadRecord``
    :param DialPlan plan: of the switch that wrote it
    :param int import_id: of the file it came in
    :rtype: Usage
    """
    digest = hashlib.sha256(record.raw.encode()).hexdigest()[:32]
    return Usage(
        source_key=f"{plan.code}:bad:{digest}",
        raw=record.raw,
        line=record.line,
        switch_id=plan.id,
        import_id=import_id,
        company_id=plan.company_id,
        bad=("bad_record", record.message),
    )
