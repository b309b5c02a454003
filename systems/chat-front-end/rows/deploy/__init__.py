"""What runs the gateway elsewhere: the image, the manifests, a pod, and the systemd units."""

import pathlib

FOLDER = pathlib.Path(__file__).resolve().parents[2]
