"""One run's way to the emulated AWS: clients, the store, and checks that moto itself does not make."""

from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from lab.aws.emulator import AwsEmulator
from lab.aws.store import Store

__all__ = ["NotFoundError", "Refused", "Session", "found"]

ACCOUNT = "123456789012"
"""moto's account."""


class Refused(Exception):  # noqa: N818 - what AWS would answer, to be shown as it is
    """What AWS would not do."""


class NotFoundError(Exception):
    """What is asked for is not there."""


class Session:
    """Clients of one region."""

    def __init__(self, root: Path, region: str) -> None:
        """Speak to the AWS of the lab below `root`."""
        self.root = root
        self.region = region
        self.store = Store(root)
        self._session = boto3.session.Session(
            aws_access_key_id="lab",
            aws_secret_access_key="lab",  # noqa: S106 - moto asks for one and looks at none
            region_name=region,
        )
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3's clients are made at run time
        """A client, by boto3's name of the service."""
        if service not in self._clients:
            self._clients[service] = self._session.client(service, endpoint_url=AwsEmulator(self.root).endpoint)
        return self._clients[service]

    @property
    def ec2(self) -> Any:  # noqa: ANN401
        """EC2."""
        return self.client("ec2")

    @property
    def eks(self) -> Any:  # noqa: ANN401
        """EKS."""
        return self.client("eks")

    def validate(self, service: str, operation: str, parameters: dict[str, Any]) -> None:
        """Judge parameters by the service's own model, where moto has no such operation.

        Raises:
            Refused: with every fault that botocore finds.
        """
        shape = self.client(service).meta.service_model.operation_model(operation).input_shape
        report = ParamValidator().validate(parameters, shape)
        if report.has_errors():
            raise Refused(f"{operation}: {report.generate_report()}")


def found(call: Any, **parameters: Any) -> Any:  # noqa: ANN401 - a boto3 call and its answer
    """What a describing call answers.

    Raises:
        NotFoundError: if it says that there is no such thing.
    """
    try:
        return call(**parameters)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if "NotFound" in code or code in ("NoSuchEntity", "InvalidPlacementGroup.Unknown"):
            raise NotFoundError(code) from error
        raise
