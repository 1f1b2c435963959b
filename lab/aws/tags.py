"""Tags and names, which EC2 has for everything."""

from typing import Any

from lab.aws.resource import Inputs
from lab.aws.session import ACCOUNT, Session

__all__ = ["arn", "retag", "tag_specifications", "tags_of"]


def tag_specifications(kind: str, inputs: Inputs) -> list[dict[str, Any]]:
    """Tags as a creating call takes them."""
    tags = [{"Key": key, "Value": value} for key, value in sorted((inputs.get("tags") or {}).items())]
    return [{"ResourceType": kind, "Tags": tags}] if tags else []


def tags_of(described: dict[str, Any]) -> dict[str, str]:
    """Tags as a describing call tells them, AWS' own left out."""
    tags = {item["Key"]: item["Value"] for item in described.get("Tags") or []}
    return {key: value for key, value in tags.items() if not key.startswith("aws:")}


def retag(session: Session, id_: str, old: Inputs, new: Inputs) -> Inputs:
    """Make the tags the new ones."""
    before, after = old.get("tags") or {}, new.get("tags") or {}
    if gone := [{"Key": key} for key in sorted(before.keys() - after.keys())]:
        session.ec2.delete_tags(Resources=[id_], Tags=gone)
    if after != before and after:
        session.ec2.create_tags(Resources=[id_], Tags=[{"Key": key, "Value": value} for key, value in after.items()])
    return {}


def arn(session: Session, kind: str, id_: str) -> str:
    """ARN of something of EC2's."""
    return f"arn:aws:ec2:{session.region}:{ACCOUNT}:{kind}/{id_}"
