import { Component, onWillStart, useState } from "@odoo/owl";

import { formatDateTime, deserializeDateTime } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { Layout } from "@web/search/layout";
import { formatFloat, formatInteger, formatMonetary } from "@web/views/fields/formatters";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";

import { UsageChart } from "./usage_chart";

/** Calls, minutes and money of a period, of what the provider sold. */
export class UsageDashboard extends Component {
    static template = "tier_rating.UsageDashboard";
    static components = { Layout, UsageChart };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.periods = [
            ["today", _t("Today")],
            ["yesterday", _t("Yesterday")],
            ["week", _t("7 days")],
            ["month", _t("This month")],
            ["last_month", _t("Last month")],
        ];
        this.state = useState({ period: "today", currencyId: false, data: null });
        onWillStart(() => this.load());
    }

    async load() {
        this.state.data = await this.orm.call("tier.usage.dashboard", "figures", [
            this.state.period,
            this.state.currencyId,
        ]);
    }

    setPeriod(period) {
        this.state.period = period;
        return this.load();
    }

    setCurrency(ev) {
        this.state.currencyId = Number(ev.target.value);
        return this.load();
    }

    get data() {
        return this.state.data;
    }

    get isEmpty() {
        return !this.data.totals.attempts && !this.data.totals.sale && !this.data.totals.cost;
    }

    get countedAt() {
        return this.data.counted_at
            ? formatDateTime(deserializeDateTime(this.data.counted_at))
            : _t("never");
    }

    /** The tiles: [name, title, text, change against the time before in percent]. */
    get tiles() {
        const { totals } = this.data;
        return [
            ["attempts", _t("Calls"), formatInteger(totals.attempts)],
            ["minutes", _t("Minutes"), formatFloat(totals.minutes, { digits: [0, 0] })],
            ["asr", _t("Answered (ASR)"), `${formatFloat(totals.asr, { digits: [0, 1] })} %`],
            ["acd", _t("Average call (ACD)"), this.duration(totals.acd)],
            ["sale", _t("Sale"), this.money(totals.sale)],
            ["cost", _t("Cost"), this.money(totals.cost)],
            ["margin", _t("Margin"), this.money(totals.margin)],
        ].map(([name, title, text]) => ({ name, title, text, change: this.change(name) }));
    }

    change(name) {
        const before = this.data.before[name];
        if (!before) {
            return null;
        }
        return Math.round((100 * (this.data.totals[name] - before)) / Math.abs(before));
    }

    money(amount) {
        return formatMonetary(amount, { currencyId: this.data.currency_id });
    }

    duration(seconds) {
        const whole = Math.round(seconds);
        return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
    }

    percent(value) {
        return `${formatFloat(value, { digits: [0, 1] })} %`;
    }

    integer(value) {
        return formatInteger(value);
    }

    float(value) {
        return formatFloat(value, { digits: [0, 0] });
    }

    get labels() {
        return this.data.series.map((row) => row.label);
    }

    get callSets() {
        return [
            { label: _t("Calls"), values: this.data.series.map((row) => row.attempts) },
            { label: _t("Answered"), values: this.data.series.map((row) => row.answered) },
        ];
    }

    get moneySets() {
        return [
            { label: _t("Sale"), values: this.data.series.map((row) => row.sale), type: "line" },
            { label: _t("Cost"), values: this.data.series.map((row) => row.cost), type: "line" },
            { label: _t("Margin"), values: this.data.series.map((row) => row.margin) },
        ];
    }

    get hourLabels() {
        return this.data.hours.map((row) => row.label);
    }

    get hourSets() {
        return [
            { label: _t("Calls"), values: this.data.hours.map((row) => row.attempts) },
            {
                label: _t("ASR (%)"),
                values: this.data.hours.map((row) => row.asr),
                type: "line",
                right: true,
            },
        ];
    }

    get tables() {
        return [
            { name: "destinations", title: _t("Top destinations"), field: "destination_id" },
            { name: "carriers", title: _t("By carrier"), field: "price_list_id" },
            { name: "brands", title: _t("By brand"), field: "brand_id" },
        ].map((table) => ({ ...table, rows: this.data[table.name] }));
    }

    /** Open the analysis of the period, of one row's record or of all. */
    openAnalysis(field, row) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            name: row ? row.name : _t("Traffic by Hour"),
            res_model: "tier.usage.hour",
            views: [
                [false, "pivot"],
                [false, "graph"],
                [false, "list"],
            ],
            domain: row ? [...this.data.domain, [field, "=", row.id]] : this.data.domain,
            context: { pivot_row_groupby: [this.rows(field, row)] },
        });
    }

    /** What the analysis is by: what was clicked on, or within one of it the next. */
    rows(field, row) {
        if (row) {
            return field === "destination_id" ? "hour:day" : "destination_id";
        }
        return field || "destination_id";
    }

    openSuspense() {
        return this.action.doAction("tier_rating.tier_suspense_action");
    }
}

registry.category("actions").add("tier_usage_dashboard", UsageDashboard);
