/** @odoo-module **/

import { Component, onWillUnmount, useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

const POLL_MS = 2000;

/** How far the import of a large file is; the form is read again when it ends. */
export class UsageProgress extends Component {
    static template = "tier_rating.UsageProgress";
    static props = { ...standardFieldProps };

    setup() {
        this.orm = useService("orm");
        const { progress, record_count: count } = this.props.record.data;
        this.state = useState({ percent: progress || 0, count: count || 0 });
        this.timer = setInterval(() => this.poll(), POLL_MS);
        onWillUnmount(() => clearInterval(this.timer));
    }

    async poll() {
        const { resModel, resId, data } = this.props.record;
        if (!resId || data.state !== "queued" || this.asking) {
            return;
        }
        this.asking = true;
        try {
            const names = ["state", "progress", "record_count"];
            const [found] = await this.orm.silent.read(resModel, [resId], names);
            this.state.percent = found.progress;
            this.state.count = found.record_count;
            if (found.state !== "queued") {
                await this.props.record.load();
            }
        } finally {
            this.asking = false;
        }
    }
}

registry.category("fields").add("tier_usage_progress", {
    component: UsageProgress,
    supportedTypes: ["integer"],
    fieldDependencies: [
        { name: "state", type: "selection" },
        { name: "record_count", type: "integer" },
    ],
});
