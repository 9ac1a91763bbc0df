"""
An agent's tool call under Microsoft's Agent Governance Toolkit, whose decisions come from an AuthZEN decision point by way of
`authzen-policy-backend`. Both are as PyPI has them. Prints one line of JSON for each thing that it learns.
"""

import json
import sys
import time

import httpx
from agent_os.policies import PolicyEvaluator
from authzen_backend import AuthZENBackend


def say(**what):
    print(json.dumps(what), flush=True)


def main(asked):
    call = {"agent_id": asked["agent"], "tool_name": asked["tool"]}
    backend = AuthZENBackend(
        pdp_url=f"{asked['url']}/access/v1/evaluation",
        pdp_application="payments",
        token=asked["token"],
        timeout=30,
    )
    toolkit = PolicyEvaluator()
    toolkit.add_backend(backend)
    decision = toolkit.evaluate(dict(call))
    say(step="denied", allowed=decision.allowed)

    # What the toolkit sent, so that the request asks for exactly that.
    sent = {}
    client = httpx.Client(timeout=60, event_hooks={"request": [lambda one: sent.update(json.loads(one.read()))]})
    looking = AuthZENBackend(
        pdp_url=f"{asked['url']}/access/v1/evaluation",
        pdp_application="payments",
        token=asked["token"],
        http_client=client,
    )
    denial = looking.evaluate(dict(call)).raw_result["context"]
    requestable = denial.get("access_request")
    if requestable is None:
        say(step="not requestable", reason=denial.get("reason"))
        return
    headers = {"Authorization": f"Bearer {asked['token']}"}
    body = {
        "subject": sent["subject"],
        "resource": sent["resource"],
        "action": sent["action"],
        "denial": {
            "evaluation_id": denial["evaluation_id"],
            "expires_at": requestable["expires_at"],
            "binding_token": requestable["binding_token"],
        },
        "context": {"business_justification": "a customer was charged twice"},
    }
    answer = httpx.post(requestable["endpoint"], json=body, headers=headers, timeout=60)
    answer.raise_for_status()
    task = answer.json()
    say(step="asked", request=task["task"]["id"], status=task["task"]["status"])
    until = time.monotonic() + 90
    while task["task"]["status"] == "pending" and time.monotonic() < until:
        time.sleep(1)
        task = httpx.get(task["task"]["status_endpoint"], headers=headers, timeout=60).json()
    say(step="decided", status=task["task"]["status"])
    approval = task.get("result", {}).get("approval")
    decision = toolkit.evaluate({**call, "approval": approval})
    say(step="with the approval", allowed=decision.allowed)
    other = toolkit.evaluate({**call, "tool_name": asked["other"], "approval": approval})
    say(step="with the approval of another tool", allowed=other.allowed)


main(json.loads(sys.argv[1]))
