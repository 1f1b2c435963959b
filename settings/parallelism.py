"""How one replica of a model is spread over GPUs and nodes: the words of llm-d's modelservice chart."""

from pydantic import Field, model_validator

from settings.base import SettingsModel

__all__ = ["ParallelismSettings"]


class ParallelismSettings(SettingsModel):
    """How one replica is spread over GPUs. A pod gets `tensor` times `dataLocal` of them."""

    tensor: int = Field(default=1, ge=1)
    """Tensor parallelism: GPUs of one node that hold one copy of the model."""
    data: int | None = Field(default=None, ge=1, le=512)
    """Data parallelism: copies of the model in one replica. Default: `dataLocal` times `workers`."""
    data_local: int | None = Field(default=None, ge=1, le=16)
    """Copies on one node. Default: `data` divided by `workers`."""
    workers: int | None = Field(default=None, ge=1, le=64)
    """Nodes of one replica. Default: `data` divided by `dataLocal`. More than one needs
    `controllers.leaderWorkerSet`."""
    expert: bool = False
    """Expert parallelism: the experts of a mixture of experts are spread over all GPUs of the replica, so that each
    copy holds a part of them."""

    @model_validator(mode="after")
    def _product(self) -> "ParallelismSettings":
        if self.data is None:
            return self
        for key, given in (("dataLocal", self.data_local), ("workers", self.workers)):
            if given is not None and self.data % given:
                raise ValueError(f"data {self.data} cannot be divided by {key} {given}")
        if self.nodes * self.copies_per_node != self.data:
            raise ValueError(
                f"data {self.data} is not dataLocal {self.copies_per_node} times workers {self.nodes}; leave one out"
            )
        return self

    @property
    def copies(self) -> int:
        """Copies of the model in one replica."""
        return self.nodes * self.copies_per_node

    @property
    def copies_per_node(self) -> int:
        """Copies on one node."""
        if self.data_local is not None:
            return self.data_local
        return 1 if self.data is None else self.data // (self.workers or 1)

    @property
    def nodes(self) -> int:
        """Nodes, and pods, of one replica."""
        if self.workers is not None:
            return self.workers
        return 1 if self.data is None or self.data_local is None else self.data // self.data_local

    @property
    def gpus_per_pod(self) -> int:
        """GPUs of one pod."""
        return self.tensor * self.copies_per_node
