/** @odoo-module **/

import { Component, useRef, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

/** Sends a large file as it is, past the form, and opens the import that takes it. */
export class UsageUpload extends Component {
    static template = "tier_rating.UsageUpload";
    static props = { ...standardWidgetProps };

    setup() {
        this.action = useService("action");
        this.notification = useService("notification");
        this.input = useRef("input");
        this.state = useState({ percent: null });
    }

    onChosen() {
        const [file] = this.input.el.files;
        const chosen = this.props.record.data.switch_id;
        if (!file || !chosen) {
            return;
        }
        const form = new FormData();
        form.append("csrf_token", odoo.csrf_token);
        form.append("switch_id", chosen.id ?? chosen[0]);
        form.append("ufile", file);
        const request = new XMLHttpRequest();
        request.upload.onprogress = (event) => {
            this.state.percent = Math.round((100 * event.loaded) / event.total);
        };
        request.onload = () => this.onAnswer(request);
        request.onerror = () => this.refused(_t("The connection was lost."));
        request.open("POST", "/tier/usage/upload");
        this.state.percent = 0;
        request.send(form);
    }

    async onAnswer(request) {
        let found = {};
        try {
            found = JSON.parse(request.responseText);
        } catch {
            // The server's words are a page then.
        }
        if (request.status !== 200 || !found.id) {
            this.refused(found.detail || _t("The file was refused."));
            return;
        }
        await this.props.record.discard();
        await this.action.doAction(
            {
                type: "ir.actions.act_window",
                res_model: "tier.usage.import",
                res_id: found.id,
                views: [[false, "form"]],
            },
            { stackPosition: "replaceCurrentAction" },
        );
    }

    refused(words) {
        this.state.percent = null;
        this.input.el.value = "";
        this.notification.add(words, { type: "danger" });
    }
}

registry.category("view_widgets").add("tier_usage_upload", {
    component: UsageUpload,
    fieldDependencies: [{ name: "switch_id", type: "many2one", relation: "tier.switch" }],
});
