"""``python -m shared.contracts export|check``."""

import sys

from shared.contracts.registry import check, export

if __name__ == "__main__":
    if sys.argv[1:] == ["export"]:
        sys.stdout.write(("\n".join(export()) or "nothing changed") + "\n")
    else:
        problems = check()
        sys.stdout.write(("\n".join(problems) or "contracts agree with the committed schemas") + "\n")
        sys.exit(1 if problems else 0)
