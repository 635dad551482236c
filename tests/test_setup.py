"""The fixtures that the other end-to-end tests stand on."""

from odoo_process import committed, connect


def test_each_database_is_a_fresh_copy(database, module_database):
    with committed(database) as env:
        env["res.partner"].create({"name": "Only here"})
    for name, expected in ((database, 1), (module_database, 0)):
        connection = connect(name)
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM res_partner WHERE name = 'Only here'")
            assert cursor.fetchone() == (expected,)
        connection.close()


def test_a_server_of_processes_answers_and_ends(database, start_odoo):
    odoo = start_odoo(database, "--workers=2")
    assert odoo.get("/web/health").status == 200
    odoo.kill()
    assert odoo.process.poll() is not None
