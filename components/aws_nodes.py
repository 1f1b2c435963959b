"""What every node of ours has in its launch template, whatever pool it is of; pure."""

from collections.abc import Mapping
from typing import Any

__all__ = ["METADATA_OPTIONS", "encrypted_disk", "tagged_template"]

# One hop: a pod that is not on the host's network gets no credentials of the node.
METADATA_OPTIONS: Mapping[str, Any] = {
    "httpEndpoint": "enabled",
    "httpTokens": "required",
    "httpPutResponseHopLimit": 1,
}
"""Of the instance metadata service, in EC2's words, which are Karpenter's too."""


def encrypted_disk(device: str, **more: object) -> dict[str, Any]:
    """A gp3 disk that is encrypted and goes with its node."""
    ebs = {"volumeType": "gp3", "encrypted": "true", "deleteOnTermination": "true", **more}
    return {"deviceName": device, "ebs": ebs}


def tagged_template(name: str, tags: Mapping[str, str]) -> dict[str, Any]:
    """What a launch template says of metadata and tags: its own, and those of instances and disks."""
    tagged = {**tags, "Name": name}
    return {
        "metadataOptions": {**METADATA_OPTIONS, "instanceMetadataTags": "disabled"},
        "tagSpecifications": [{"resourceType": kind, "tags": tagged} for kind in ("instance", "volume")],
        "tags": tagged,
        "updateDefaultVersion": True,
    }
