"""Run pytest on one Saleor, with its own database; everything after the version goes to pytest.

python3 sandbox/pytest_on.py 3.23 tests/integration/test_x.py -x -q
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sandbox import bootstrap, hosts, paths, schemas

# Saleor's environments hold a dozen pytest plugins of its own suite; ours runs with the same two
# everywhere.
PLUGINS = ("pytest_django.plugin", "_hypothesis_pytestplugin")
NO_TESTS = 5


def settings_of(host: hosts.Host) -> str:
    """Name the Django settings that tests and benchmarks of a host run with."""
    return "tests.settings.saleor2" if host.is_saleor_2 else "tests.settings.saleor3"


def run(host: hosts.Host, server: str, arguments: list[str]) -> int:
    """Run pytest on a host against a server and return its exit code."""
    hosts.prepare(host)
    schemas.ensure_base(host, server)
    env = hosts.environment(host, server, settings_of(host)) | {
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"
    }
    command = ["-m", "pytest", "-c", str(paths.ROOT / "pyproject.toml")]
    command += ["--rootdir", str(paths.ROOT), "-o", f"cache_dir={paths.STATE}/pytest-{host.name}"]
    for plugin in PLUGINS:
        command += ["-p", plugin]
    return hosts.call(host, [*command, *arguments], env)


if __name__ == "__main__":
    sys.exit(bootstrap.main(["pytest", *sys.argv[1:]]))
