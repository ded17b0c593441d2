"""The labels that the engine finds for the photographs without a service around it.

`python -m bench.expected_labels FOLDER MODEL_DIR` prints the class of each photograph's best label
as JSON. It is not measured: it is what the answers of the service are compared with.
"""

import json
import os
import sys
from pathlib import Path

from bench.photographs import read_all
from common.settings import Settings
from common.tasks import contract
from engine.tasks import open_runner


def main() -> None:
    """Print the labels of all photographs, in order."""
    folder, model_dir = sys.argv[1:3]
    runner = open_runner("classify", Settings.from_env(os.environ | {"MODEL_DIR": model_dir}))
    params = contract("classify").check_params({})
    labels = []
    for photograph in read_all(Path(folder)):
        [result] = runner.run([runner.prepare(photograph, params)], [params])
        labels.append(result["labels"][0]["class_id"])
    print(json.dumps(labels), flush=True)


if __name__ == "__main__":
    main()
