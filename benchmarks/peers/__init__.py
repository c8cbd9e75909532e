"""The libraries and ways that are timed; each file here imports its library, in a worker process."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from typing import NamedTuple


class Peer(NamedTuple):
    label: str
    needs: str                                                      # package that must be installed
    module: str
    function: str
    obeys: bool = True                                              # whether its threads can be chosen


# Training steps
STEPS = {
    "retroprop": Peer("retroprop", "retroprop", "retroprop_steps", "retroprop"),
    "by-hand": Peer("NumPy by hand", "numpy", "numpy_steps", "by_hand"),
    "floor": Peer("its products alone", "numpy", "numpy_steps", "floor"),
    "torch": Peer("PyTorch, foreach SGD", "torch", "torch_steps", "foreach"),
    "torch-fused": Peer("PyTorch, fused SGD", "torch", "torch_steps", "fused"),
    "jax": Peer("JAX, jit", "jax", "jax_steps", "jit", False),
    "jax-scan": Peer("JAX, scan", "jax", "jax_steps", "scan", False),
    "equinox": Peer("Equinox", "equinox", "equinox_steps", "filter_jit", False),
    "tinygrad": Peer("tinygrad, TinyJit", "tinygrad", "tinygrad_steps", "tinyjit", False),
    "mlx": Peer("MLX, compile", "mlx", "mlx_steps", "compiled", False),
    "sklearn": Peer("scikit-learn, 50 steps a call", "sklearn", "sklearn_steps", "partial_fit")}
# Predictions of a trained network
PREDICTIONS = {
    "predict": Peer("predict", "retroprop", "retroprop_predictions", "predict"),
    "forward": Peer("evaluation forward", "retroprop", "retroprop_predictions", "forward"),
    "torch-inference": Peer("PyTorch, inference_mode", "torch", "torch_predictions", "predict"),
    "jax-apply": Peer("JAX, jit", "jax", "jax_predictions", "predict")}
EVALUATIONS = {
    "evaluate": Peer("evaluate", "retroprop", "retroprop_predictions", "evaluate"),
    "torch-evaluate": Peer("PyTorch, inference_mode", "torch", "torch_predictions", "evaluate"),
    "jax-evaluate": Peer("JAX, jit", "jax", "jax_predictions", "evaluate")}
# Derivatives of the output with respect to the input
TANGENTS = {
    "backward": Peer("forward and backward", "retroprop", "retroprop_tangents", "backward"),
    "jvp": Peer("forward and jvp", "retroprop", "retroprop_tangents", "jvp"),
    "torch-jvp": Peer("PyTorch, func.jvp", "torch", "torch_predictions", "jvp"),
    "jax-jvp": Peer("JAX, jit of jvp", "jax", "jax_predictions", "jvp")}
JACOBIANS = {
    "jacobian-backward": Peer("backward mode", "retroprop", "retroprop_tangents", "jacobian_backward"),
    "jacobian-forward": Peer("forward mode", "retroprop", "retroprop_tangents", "jacobian_forward"),
    "jax-jacrev": Peer("JAX, jit of jacrev", "jax", "jax_predictions", "jacobian_backward"),
    "jax-jacfwd": Peer("JAX, jit of jacfwd", "jax", "jax_predictions", "jacobian_forward")}
PEERS = STEPS | PREDICTIONS | EVALUATIONS | TANGENTS | JACOBIANS

OURS = ("retroprop", "by-hand", "floor")                            # not other libraries


def installed(peers: Iterable[str]) -> list[str]:
    """Return the peers whose package is installed."""
    return [peer for peer in peers if find_spec(PEERS[peer].needs)]


def like(chosen: Iterable[str], peers: Iterable[str]) -> list[str]:
    """Return those of the peers whose library is among the chosen ones."""
    libraries = {PEERS[peer].needs for peer in chosen}
    return [peer for peer in peers if PEERS[peer].needs in libraries]
