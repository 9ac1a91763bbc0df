"""
Has scim2-tester check a SCIM server, as PyPI has it. Prints one line of JSON with what it found.
"""

import json
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import check_server


def main(asked):
    http = Client(
        base_url=asked["url"], headers={"Authorization": f"Bearer {asked['token']}"}, timeout=30
    )
    results = check_server(SyncSCIMClient(http))
    found = [
        {
            "status": result.status.name,
            "title": result.title,
            "resource": result.resource_type,
            "reason": result.reason,
        }
        for result in results
    ]
    print(json.dumps(found), flush=True)


main(json.loads(sys.argv[1]))
