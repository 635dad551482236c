from . import (
    ir_actions_report,
    tier_endpoint,
    tier_hotel,
    tier_rate,
    tier_room,
    tier_stay,
    tier_stay_checkout,
    tier_stay_extra,
    tier_stay_folio,
    tier_stay_money,
    tier_stay_move,
    tier_stay_room,
)
