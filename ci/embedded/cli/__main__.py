"""``python -m ci.embedded.cli functions|call ...``: the same as ``python -m ci.embedded``."""

import sys

from . import main

sys.exit(main(sys.argv[1:]))
