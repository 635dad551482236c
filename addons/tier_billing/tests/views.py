"""Opens every menu of an add-on as a manager would. Not a test by itself, see test_views."""

from dateutil.relativedelta import relativedelta
from lxml import etree

from odoo.tests import Form
from odoo.tools.safe_eval import datetime, safe_eval, time


class ViewsTests:
    """The tests; mix them into a case of a chain, and set :attr:`module`."""

    module = None
    # Odoo's own runner leaves out tests that a class only inherits.
    allow_inherited_tests_method = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.staff("manager")

    def actions(self):
        """Yield the window actions of the add-on, each with its model as the manager sees it."""
        data = self.env["ir.model.data"].search(
            [("module", "=", self.module), ("model", "=", "ir.actions.act_window")], order="name"
        )
        for action in self.env["ir.actions.act_window"].browse(data.mapped("res_id")):
            if action.group_ids and not action.group_ids & self.manager.all_group_ids:
                continue
            yield action, self.env[action.res_model].with_user(self.manager)

    def evaluate(self, expression):
        """Evaluate a domain or context as the web client does."""
        values = {
            "uid": self.manager.id,
            "active_id": 0,
            "active_ids": [],
            "allowed_company_ids": self.company.ids,
            "context_today": datetime.datetime.now,
            "datetime": datetime,
            "time": time,
            "relativedelta": relativedelta,
        }
        return safe_eval(expression or "[]", values)

    def test_every_action_opens(self):
        count = 0
        for action, Model in self.actions():
            count += 1
            with self.subTest(action.name, model=action.res_model):
                modes = action.view_mode.split(",")
                views = Model.get_views([(False, mode) for mode in [*modes, "search"]])["views"]
                self.assertEqual(set(views), {*modes, "search"})
                self.evaluate(action.context)
                if not Model._transient:
                    Model.search(self.evaluate(action.domain), limit=5)
        self.assertGreater(count, 3)

    def test_every_filter_and_group_works(self):
        for action, Model in self.actions():
            arch = etree.fromstring(Model.get_view(view_type="search")["arch"])
            for node in arch.iter("filter"):
                with self.subTest(action=action.name, filter=node.get("name")):
                    if node.get("domain"):
                        Model.search(self.evaluate(node.get("domain")), limit=1)
                    group = self.evaluate(node.get("context") or "{}").get("group_by")
                    if group:
                        Model.formatted_read_group([], [group], ["__count"])

    def test_every_column_can_be_read(self):
        """A list opens on what there is; nothing in it needs rights that a manager has not."""
        for action, Model in self.actions():
            if Model._transient or "list" not in action.view_mode.split(","):
                continue
            with self.subTest(action.name):
                arch = etree.fromstring(Model.get_view(view_type="list")["arch"])
                names = [node.get("name") for node in arch.iter("field")]
                Model.search(self.evaluate(action.domain), limit=20).read(names)

    def test_every_form_opens_empty(self):
        for action, Model in self.actions():
            if "form" not in action.view_mode.split(",") or not Model.has_access("create"):
                continue
            with self.subTest(action.name):
                Form(Model)

    def test_every_model_has_rules_for_its_companies(self):
        """Whatever belongs to a company is hidden from another's staff."""
        data = self.env["ir.model.data"].search([("module", "=", self.module), ("model", "=", "ir.model")])
        for model in self.env["ir.model"].browse(data.mapped("res_id")):
            Model = self.env.get(model.model)
            if Model is None or Model._abstract or Model._transient or "company_id" not in Model._fields:
                continue
            if Model._original_module != self.module:
                continue  # extended here
            with self.subTest(model.model):
                rules = self.env["ir.rule"].search([("model_id", "=", model.id)])
                self.assertTrue(any("company_id" in (rule.domain_force or "") for rule in rules))
