"""``python -m shared.contracts export|docs|check``: publish schemas, write ``docs/events.md``, or compare both."""

import sys

from shared.contracts.page import PAGE, events_page
from shared.contracts.registry import check, export

if __name__ == "__main__":
    if sys.argv[1:] == ["export"]:
        sys.stdout.write(("\n".join(export()) or "nothing changed") + "\n")
    elif sys.argv[1:] == ["docs"]:
        PAGE.write_text(events_page(), "utf-8")
    elif sys.argv[1:] in ([], ["check"]):
        problems = check()
        sys.stdout.write(("\n".join(problems) or "contracts agree with the committed schemas") + "\n")
        sys.exit(1 if problems else 0)
    else:
        sys.exit("usage: python -m shared.contracts export|docs|check")
