"""What the routing sidecar takes of a decode server's node; pure.

One place for the pod, which asks for it, and for the rule that says whether a node has it.
"""

__all__ = ["SIDECAR_CPU_MILLICORES", "SIDECAR_MEMORY_MIB"]

SIDECAR_CPU_MILLICORES = 100
"""CPU request. It parses and copies bodies and passes tokens on; there is no limit, as for the engine."""

SIDECAR_MEMORY_MIB = 128
"""Memory request; the limit is eight times as much, for prompts and prefill's answers are held whole."""
