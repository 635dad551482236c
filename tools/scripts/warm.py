"""Build the bundles of scripts and styles that pages ask for, so that the first page is fast."""

from environment import environment

with environment() as env:
    env["ir.qweb"]._pregenerate_assets_bundles()
