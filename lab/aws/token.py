"""`aws eks get-token` of the lab: what a kubeconfig of EKS runs to get a token, here the lab administrator's.

Started by the `aws` in the lab's own folder of programs. It answers this one command and no other.
"""

import json
import sys
from pathlib import Path

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Print an ExecCredential for the lab below the first argument."""
    root, *rest = arguments
    if "eks" not in rest or "get-token" not in rest:
        print("the lab's aws knows `aws eks get-token` and nothing else", file=sys.stderr)
        return 2
    rows = (line.split(",") for line in (Path(root) / "tokens.csv").read_text().splitlines())
    token = next(row[0] for row in rows if row[1] == "admin")
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "kind": "ExecCredential",
        "spec": {},
        "status": {"token": token},
    }
    print(json.dumps(credential))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
