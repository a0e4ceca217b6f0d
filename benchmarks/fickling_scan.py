"""fickling_scan.py FILE: what fickling says of the pickles in a zip, as JSON.

Its command line reads raw pickles only. Without a FILE it is started, and no
more.
"""

import json
import sys

import fickling
from fickling.loader import scan_zip_archive

if len(sys.argv) > 1:
    found = scan_zip_archive(sys.argv[1])
    json.dump({
        "version": fickling.__version__,
        "members": [{"severity": r.severity.name, "errors": r.errors} for r in found.values()],
    }, sys.stdout)
