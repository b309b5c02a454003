"""Validates the manifests: Kubernetes' by the schemas that it publishes, Compose's by its specification.

usage: validate.py FOLDER
"""

import pathlib
import sys

import compose_spec
import kubernetes_validate
import yaml

folder = pathlib.Path(sys.argv[1])
documents = list(yaml.safe_load_all((folder / "kubernetes.yaml").read_text()))
release = kubernetes_validate.latest_version()
for document in documents:
    kubernetes_validate.validate(document, release, strict=True)
compose = compose_spec.PyCompose.from_yaml((folder / "compose.yaml").read_text())
services = compose.service_names()
print(f"{len(documents)} objects of Kubernetes {release} and {len(services)} Compose services are valid")
