"""`python -m ops.healthcheck URL`: exit code 0 when the address answers 200. Standard library only, for containers."""

import sys
import urllib.error
import urllib.request

__all__ = ["main"]


def main(url: str) -> int:
    """Ask once."""
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:  # noqa: S310 - the address is our own
            return 0 if answer.status == 200 else 1
    except (urllib.error.URLError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
