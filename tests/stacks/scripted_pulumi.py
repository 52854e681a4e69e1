#!/usr/bin/env python3
"""Stands in for the Pulumi CLI in unit tests: answers as the file `answers.json` beside it says, and notes how it was called.

An answer is chosen by the command's first words; a list of answers is used up from its front.
"""

import json
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
ARGUMENTS = sys.argv[1:]


def main() -> int:
    """Answer one call."""
    words = " ".join(word for word in ARGUMENTS[:2] if not word.startswith("-"))
    with (HERE / "calls.jsonl").open("a") as calls:
        call = {"words": words, "arguments": ARGUMENTS, "environment": dict(os.environ), "given": sys.stdin.read()}
        calls.write(json.dumps(call) + "\n")
    answers = json.loads((HERE / "answers.json").read_text())
    queue = answers.get(words) or [{}]
    answer = queue.pop(0) if len(queue) > 1 else queue[0]
    (HERE / "answers.json").write_text(json.dumps(answers))
    if "--event-log" in ARGUMENTS and "events" in answer:
        Path(ARGUMENTS[ARGUMENTS.index("--event-log") + 1]).write_text(answer["events"])
    sys.stdout.write(answer.get("out", ""))
    sys.stderr.write(answer.get("err", ""))
    return int(answer.get("code", 0))


if __name__ == "__main__":
    sys.exit(main())
