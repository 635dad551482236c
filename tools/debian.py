"""Odoo as Debian packages it, fetched by apt with private lists and unpacked in the cache.

The machine's own packages, sources and lists are left alone. apt checks the archive's signature.
"""

import os
import shutil
import subprocess
from pathlib import Path

from . import system
from .messages import Failure, Log, run, step
from .paths import cache, ensure, locked

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

# suite -> packages. Odoo's package has links into these fonts and libraries; the newer
# releases of the two from bookworm have moved the files that the links point at.
PACKAGES = {
    "sid": (
        "odoo-19",
        "fonts-roboto-unhinted",
        "fonts-montserrat",
        "fonts-glyphicons-halflings",
        "fonts-ocr-b",
        "libjs-jquery",
        "libjs-jquery-form",
        "libjs-underscore",
    ),
    "bookworm": ("fonts-font-awesome", "fonts-inconsolata"),
}

INSIDE = Path("usr/lib/python3/dist-packages")

# Debian leaves out this script, which blurs the background of video calls and comes without
# its source. An empty one in its place keeps Odoo from logging an error for each page.
LEFT_OUT = Path("odoo/addons/mail/static/lib/selfie_segmentation/selfie_segmentation.js")


def odoo_home():
    """The folder with the package `odoo`, fetched the first time."""
    base = cache() / "odoo"
    with locked(cache() / "locks" / "odoo", "fetches Odoo"):
        done = sorted(base.glob("debian-*/" + str(INSIDE)))
        return done[-1] if done else _fetch(base)


def _fetch(base):
    if not shutil.which("apt-get"):
        raise Failure(
            "Odoo 19 is not here, and this machine has no apt-get to fetch Debian's package with.",
            "Set ODOO_HOME to a copy of Odoo 19, such as a git checkout.",
        )
    ensure(base)
    debs = base / "packages"
    shutil.rmtree(debs, ignore_errors=True)
    debs.mkdir()
    with step("Fetching Odoo 19 from Debian (130 MB)"):
        mirror = _mirror()
        for suite, packages in PACKAGES.items():
            _download(base / "apt" / suite, mirror, suite, packages, debs)
    half = base / "unpacking"
    shutil.rmtree(half, ignore_errors=True)
    with step("Unpacking Odoo 19 (1.3 GB)") as unpacking:
        for deb in sorted(debs.glob("*.deb")):
            unpacking.note = deb.name.split("_")[0]
            run(["dpkg-deb", "-x", deb, half], "Unpacking Odoo")
    home = half / INSIDE
    dangling = [link for link in (home / "odoo").rglob("*") if link.is_symlink() and not link.exists()]
    if dangling:
        raise Failure(
            f"Debian's Odoo package links to {len(dangling)} missing files, first {dangling[0]}.",
            "Debian has changed its packages: set ODOO_HOME to another copy of Odoo 19.",
        )
    if not (home / LEFT_OUT).exists():
        ensure((home / LEFT_OUT).parent)
        (home / LEFT_OUT).write_text("/* left out of Debian's package */\n")
    version = next(debs.glob("odoo-19_*.deb")).name.split("_")[1].replace("%3a", ".")
    done = base / f"debian-{version}"
    half.rename(done)
    shutil.rmtree(debs)
    shutil.rmtree(base / "apt", ignore_errors=True)
    return done / INSIDE


def _mirror():
    """The address of the Debian archive that this machine is set up to use."""
    if os.environ.get("TIER_DEBIAN_MIRROR"):
        return os.environ["TIER_DEBIAN_MIRROR"]
    found = _configured_mirrors()
    if not found and system.can_install():
        system.apt_update()
        found = _configured_mirrors()
    if not found:
        found = _listed_mirrors()
    for uri in found:
        return uri
    raise Failure(
        "Odoo 19 is not here, and this machine's apt knows no Debian archive to fetch it from.",
        "Set ODOO_HOME to a copy of Odoo 19 (a git checkout will do), or TIER_DEBIAN_MIRROR to the "
        "address of a Debian mirror.",
    )


def _configured_mirrors():
    """Addresses of Debian's main archive among apt's lists (none before the first update)."""
    done = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)"],
        capture_output=True,
        text=True,
        check=False,
    )
    rows = [line.split("|") for line in done.stdout.splitlines() if line.count("|") == 2]
    return [uri for origin, label, uri in rows if origin == "Debian" and label == "Debian"]


def _listed_mirrors():
    """Addresses in apt's source files, for a machine whose lists were never fetched."""
    if "debian" not in system.os_ids():
        return []
    folder = Path("/etc/apt")
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    uris = []
    for file in files:
        if file.suffix not in (".list", ".sources") or not file.is_file():
            continue
        for line in file.read_text(errors="replace").splitlines():
            words = line.split()
            if words and (words[0] == "deb" or words[0].lower() == "uris:"):
                uris += [word for word in words if word.startswith(("http", "file:", "mirror"))]
    return [uri for uri in uris if uri.rstrip("/").endswith("/debian")]


def _download(state, mirror, suite, packages, target):
    """Fetch packages of one suite with apt's own checks, all of apt's state in `state`."""
    if not KEYRING.exists():
        system.need({str(KEYRING): "debian-archive-keyring"}, "to check the signature of Debian's archive")
    shutil.rmtree(state, ignore_errors=True)
    for folder in ("lists/partial", "cache/archives/partial", "parts"):
        (state / folder).mkdir(parents=True)
    (state / "status").touch()
    sources = state / "sources.list"
    sources.write_text(f"deb [signed-by={KEYRING}] {mirror} {suite} main\n")
    options = [
        "-o",
        f"Dir::Etc::SourceList={sources}",
        "-o",
        f"Dir::Etc::SourceParts={state}/parts",
        "-o",
        f"Dir::State={state}",
        "-o",
        f"Dir::State::Lists={state}/lists",
        "-o",
        f"Dir::State::Status={state}/status",
        "-o",
        f"Dir::Cache={state}/cache",
        # Fetch as the caller: apt's own user may not enter the cache folder.
        "-o",
        "APT::Sandbox::User=root",
        "-o",
        "Acquire::Languages=none",
        "-o",
        "Acquire::Retries=2",
        "-o",
        "APT::Update::Error-Mode=any",
    ]
    what = f"Fetching Odoo from Debian's {suite}"
    remedy = "See the log; or set ODOO_HOME to a copy of Odoo 19, and nothing is fetched."
    run(["apt-get", *options, "update"], what, remedy, cwd=target)
    run(["apt-get", *options, "download", *packages], what, remedy, cwd=target)
    Log.write("\n".join(sorted(file.name for file in target.iterdir())) + "\n")
