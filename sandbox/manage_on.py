"""Run a Django command on one Saleor; everything after the version goes to it.

python3 sandbox/manage_on.py 3.23 makemigrations saleor_retention --check
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sandbox import bootstrap

if __name__ == "__main__":
    sys.exit(bootstrap.main(["manage", *sys.argv[1:]]))
