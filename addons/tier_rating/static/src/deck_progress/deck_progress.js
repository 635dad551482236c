/** @odoo-module **/

import { Component, onWillUnmount, useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

const POLL_MS = 1000;

/** How far the background task of a rate deck is; the form is read again when it ends. */
export class DeckProgress extends Component {
    static template = "tier_rating.DeckProgress";
    static props = { ...standardFieldProps };

    setup() {
        this.orm = useService("orm");
        this.state = useState({ percent: this.props.record.data.progress || 0 });
        this.timer = setInterval(() => this.poll(), POLL_MS);
        onWillUnmount(() => clearInterval(this.timer));
    }

    async poll() {
        const { resModel, resId, data } = this.props.record;
        if (!resId || !data.task || this.asking) {
            return;
        }
        this.asking = true;
        try {
            const [deck] = await this.orm.silent.read(resModel, [resId], ["task", "progress"]);
            this.state.percent = deck.progress;
            if (!deck.task) {
                await this.props.record.load();
            }
        } finally {
            this.asking = false;
        }
    }
}

registry.category("fields").add("tier_deck_progress", {
    component: DeckProgress,
    supportedTypes: ["integer"],
    fieldDependencies: [{ name: "task", type: "selection" }],
});
