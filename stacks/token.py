"""The Hugging Face token: read from the config as a Pulumi secret, never through the settings."""

import pulumi

from settings import StackSettings
from settings.load import NAMESPACE
from settings.models import TOKEN_PLACEHOLDER

__all__ = ["hugging_face_token"]


def hugging_face_token(settings: StackSettings) -> pulumi.Input[str] | None:
    """The token that this stack is to make a Secret of, or `None`."""
    if settings.hugging_face.token is None:
        return None
    if settings.cluster.manifests is not None:
        # The provider writes secrets into manifests as they are (its own documentation says so).
        return TOKEN_PLACEHOLDER
    config = pulumi.Config(NAMESPACE).require_secret_object("huggingFace")
    token: pulumi.Output[str] = config.apply(lambda value: value["token"])
    return token
