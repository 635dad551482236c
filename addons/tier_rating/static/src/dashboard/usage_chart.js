import { Component, onWillStart, useEffect, useRef } from "@odoo/owl";

import { loadBundle } from "@web/core/assets";
import { cookie } from "@web/core/browser/cookie";
import { getColor } from "@web/core/colors/colors";

/**
 * A chart of bars and lines over the same labels.
 *
 * A dataset is { label, values, type: "bar" | "line", right }: `right` puts it on
 * an axis of its own on the right, as for percentages beside counts.
 */
export class UsageChart extends Component {
    static template = "tier_rating.UsageChart";
    static props = {
        labels: Array,
        datasets: Array,
        horizontal: { type: Boolean, optional: true },
        label: String,
    };

    setup() {
        this.canvas = useRef("canvas");
        onWillStart(() => loadBundle("web.chartjs_lib"));
        useEffect(
            () => {
                // eslint-disable-next-line no-undef
                const chart = new Chart(this.canvas.el, this.config());
                return () => chart.destroy();
            },
            () => [JSON.stringify([this.props.labels, this.props.datasets])],
        );
    }

    config() {
        const scheme = cookie.get("color_scheme");
        const axes = this.props.horizontal
            ? { x: { beginAtZero: true }, y: { grid: { display: false } } }
            : {
                  x: { grid: { display: false } },
                  y: { beginAtZero: true, ticks: { precision: 0 } },
              };
        if (this.props.datasets.some((dataset) => dataset.right)) {
            axes.right = {
                position: "right",
                beginAtZero: true,
                suggestedMax: 100,
                grid: { display: false },
            };
        }
        return {
            type: "bar",
            data: {
                labels: this.props.labels,
                datasets: this.props.datasets.map((dataset, index) => ({
                    type: dataset.type || "bar",
                    label: dataset.label,
                    data: dataset.values,
                    backgroundColor: getColor(index, scheme, this.props.datasets.length),
                    borderColor: getColor(index, scheme, this.props.datasets.length),
                    pointRadius: 2,
                    yAxisID: dataset.right ? "right" : undefined,
                    // Lines in front of bars.
                    order: dataset.type === "line" ? 0 : 1,
                })),
            },
            options: {
                indexAxis: this.props.horizontal ? "y" : "x",
                maintainAspectRatio: false,
                animation: false,
                interaction: { mode: "index", intersect: false },
                plugins: { legend: { display: this.props.datasets.length > 1 } },
                scales: axes,
            },
        };
    }
}
