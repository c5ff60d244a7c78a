"""Training: a recipe, a folder of pictures and a number of minutes; resumable at any point."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from rheostat_client.errors import RheostatError, nearest
from safetensors.torch import save_file
from torch import Tensor, nn

from . import checkpoint, nets
from .data import Crops, centre, find_pictures, read_all, to_float
from .kernels import TunableKernel
from .muon import Muon
from .recipe import Recipe, Stage, read_recipe
from .tasks import TASKS

LOG = "log.jsonl"
SAVE_SECONDS = 120.0
HELD_OUT = 32  # pixels a side of a picture that tells anything


@dataclass(frozen=True)
class Progress:
    """Where a training stands; `validation` is filled when it was just measured."""

    step: int
    steps: int
    loss: float  # running average of the last steps
    steps_per_second: float
    seconds_left: float  # of this call: until the minutes are over or the steps are done
    validation: dict[str, float] | None = None


def train(
    recipe: Path,
    data: Path,
    *,
    minutes: float,
    out: Path,
    backbones: Path,
    resume: bool = False,
    start: Path | None = None,
    device: str | None = None,
    report: Callable[[Progress], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Train for at most `minutes`, or until the recipe's steps are done; returns the weights' path.

    `start` names weights (safetensors) of a related network: what fits of them is where the
    training begins. `should_stop` is asked before every step, and `report` told after every
    twentieth.

    `out` receives checkpoint.safetensors (every two minutes and at the end), log.jsonl and
    weights.safetensors. With `resume` the run goes on as if it had never stopped, bit for bit on
    one machine. Raises RheostatError: bad-recipe, bad-picture, bad-checkpoint, no-backbone, and
    diverged, with nothing saved since, when a loss or gradient is not finite.
    """
    trainer = Trainer(read_recipe(recipe), data, out, backbones, _device(device))
    if resume:
        trainer.resume()
    elif trainer.checkpoint.exists():
        raise RheostatError(
            "bad-checkpoint",
            f"{trainer.checkpoint} exists already.",
            "Add --resume to go on with it, or choose another --out.",
        )
    elif start:
        trainer.start_from(start)
    trainer.run(minutes * 60, report, should_stop)
    return trainer.finish()


class Trainer:
    """The state of one training run."""

    def __init__(
        self, recipe: Recipe, data: Path, out: Path, backbones: Path, device: torch.device
    ) -> None:
        """Build the network, read the pictures; nothing is trained yet."""
        for kind, name, known in (
            ("architecture", recipe.architecture, nets.ARCHITECTURES),
            ("task", recipe.task, TASKS),
        ):
            if name not in known:
                raise RheostatError(
                    "bad-recipe", f"There is no {kind} {name!r}.", nearest(name, known)
                )
        torch.manual_seed(recipe.seed)
        self.recipe, self.out, self.device = recipe, out, device
        self.network = _build(recipe).to(device)
        most = max((n for n, _ in _slopes(self.network)), default=0)
        for wrong in (i for stage in recipe.stages for i in stage.only if i >= most):
            raise RheostatError(
                "bad-recipe",
                f"A stage trains the slopes of coordinate {wrong} only; there are {most}, from 0.",
                "Name coordinates of the network's kernels.",
            )
        self.task = TASKS[recipe.task](backbones).to(device)
        self.optimizer = self._optimizer()
        self.generator = torch.Generator().manual_seed(recipe.seed)
        pictures = read_all(find_pictures(data))
        if len(pictures) < 2:
            raise RheostatError(
                "bad-picture",
                f"{data} holds one picture, which is held out from training.",
                "Use more pictures.",
            )
        every = max(2, -(-len(pictures) // recipe.held_out))  # half of a few pictures at most
        self.held_out = [centre(p, 192) for p in pictures[::every] if min(p.shape[1:]) >= HELD_OUT]
        del pictures[::every]
        border = 2 * self.task.margin
        self.crops = {
            patch: Crops(pictures, patch + border) for patch in {s.patch for s in recipe.stages}
        }
        self.step = 0
        self.average = 0.0

    @property
    def checkpoint(self) -> Path:
        """Where the state is kept."""
        return self.out / "checkpoint.safetensors"

    @property
    def _modules(self) -> dict[str, nn.Module]:
        averages = {"multi_loss": self.task.multi_loss} if self.task.multi_loss else {}
        return {"network": self.network, **averages}

    def resume(self) -> None:
        """Take up the state in `checkpoint`."""
        facts = checkpoint.load(self.checkpoint, self._modules, self.optimizer, self.generator)
        optimizer = facts.get("optimizer", self.recipe.optimizer)
        if optimizer != self.recipe.optimizer:
            raise RheostatError(
                "bad-checkpoint",
                f"The checkpoint {self.checkpoint} is of a training with {optimizer}, "
                f"the recipe says {self.recipe.optimizer}.",
                "Use the recipe the checkpoint was made with, or begin with its weights: --start.",
            )
        self.step, self.average = int(facts["step"]), float(facts["average"])

    def start_from(self, weights: Path) -> None:
        """Begin with another network's weights, where names and shapes agree.

        Slopes of fewer coordinates are those of the first ones, and of what the last layers alone
        have, which is what the last control moves, again those of the first ones.
        """
        known = checkpoint.load_weights(weights)
        own = self.network.state_dict()
        early, late = _early(own), _early(known)  # here, and in those weights
        fitting = {}
        for name in known.keys() & own.keys():
            value, shape = known[name], own[name].shape
            if name.endswith("_slopes") and value.shape[1:] == shape[1:]:
                new = value.new_zeros(shape)
                for start, part in ((0, value[:late]), (early, value[late:])):
                    part = part[: max(0, len(new) - start)]
                    new[start : start + len(part)] = part
                value = new
            if value.shape == shape:
                fitting[name] = value
        if not fitting:
            raise RheostatError(
                "bad-checkpoint",
                f"Nothing in {weights} fits the network {self.recipe.architecture}.",
                "Start from a network with the same layers.",
            )
        self.network.load_state_dict(fitting, strict=False)

    def save(self) -> None:
        """Write the state to `checkpoint`."""
        facts = {
            "step": str(self.step),
            "average": repr(self.average),
            "optimizer": self.recipe.optimizer,
        }
        self.out.mkdir(parents=True, exist_ok=True)
        checkpoint.save(self.checkpoint, self._modules, self.optimizer, self.generator, facts)

    def finish(self) -> Path:
        """Save the state and the bare weights; the weights' path."""
        self.save()
        path = self.out / "weights.safetensors"
        save_file({k: v.cpu().contiguous() for k, v in self.network.state_dict().items()}, path)
        return path

    def run(
        self,
        seconds: float,
        report: Callable[[Progress], None],
        should_stop: Callable[[], bool],
    ) -> None:
        """Take steps until the recipe's number is reached, `seconds` are over or it should stop."""
        start, first = time.monotonic(), self.step
        saved = start
        while self.step < self.recipe.steps:
            elapsed = time.monotonic() - start
            if elapsed >= seconds or should_stop():
                break
            self.take_step()
            validated = self.step % self.recipe.validate_every == 0
            if validated or self.step % 20 == 0:
                rate = (self.step - first) / max(time.monotonic() - start, 1e-9)
                left = min(seconds - elapsed, (self.recipe.steps - self.step) / rate)
                scores = self.validate() if validated else None
                self._report(
                    Progress(self.step, self.recipe.steps, self.average, rate, left, scores), report
                )
            if time.monotonic() - saved > SAVE_SECONDS:
                self.save()
                saved = time.monotonic()

    def take_step(self) -> None:
        """One batch, one update."""
        stage, step = self.recipe.stage(self.step)
        if step == 0:
            self.optimizer = self._optimizer()
        for group in self.optimizer.param_groups:
            group["lr"] = _learning_rate(stage, step)
        clean = self.crops[stage.patch].draw(stage.batch, self.generator)
        batch = self.task.draw(clean, stage.detailed, self.generator).to(self.device)
        with _autocast(self.device):
            output = self.network(batch.input, batch.lam)
            loss = self.task.loss(output.float(), batch)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if stage.only:
            keep_only(self.network, stage.only)
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        value = float(loss.detach())
        if not math.isfinite(value) or not bool(norm.isfinite()):
            raise self._diverged(value)  # before it is in the weights
        self.optimizer.step()
        self.step += 1
        self.average = value if self.step == 1 else 0.99 * self.average + 0.01 * value

    def _diverged(self, loss: float) -> RheostatError:
        wrong = "gradient that is not finite" if math.isfinite(loss) else f"loss of {loss:g}"
        known = self.checkpoint.exists()
        saved = f"{self.checkpoint} is from before it" if known else "nothing was saved yet"
        return RheostatError(
            "diverged",
            f"Step {self.step + 1} has a {wrong}; {saved}.",
            f"Lower the recipe's learning_rate and {'add --resume' if known else 'start anew'}.",
        )

    def _optimizer(self) -> torch.optim.Optimizer:
        if self.recipe.optimizer == "muon":
            return Muon(self.network)
        return torch.optim.Adam(self.network.parameters(), fused=True)

    @torch.inference_mode()
    def validate(self) -> dict[str, float]:
        """The task's scores on the held-out pictures."""
        clean = [to_float(picture)[None].to(self.device) for picture in self.held_out]
        return self.task.validate(self.network, clean)

    def _report(self, progress: Progress, report: Callable[[Progress], None]) -> None:
        if progress.validation:
            self.out.mkdir(parents=True, exist_ok=True)
            with (self.out / LOG).open("a") as log:
                log.write(json.dumps(asdict(progress)) + "\n")
        report(progress)


def _build(recipe: Recipe) -> nets.Network:
    """The network, fresh; RheostatError `bad-recipe` if it does not fit the task or the patches."""
    task = TASKS[recipe.task]
    if task.architecture != recipe.architecture:
        raise RheostatError(
            "bad-recipe",
            f"The task {recipe.task} is for the architecture {task.architecture}, "
            f"not for {recipe.architecture}.",
            "Change either.",
        )
    try:
        network = nets.build(recipe.architecture, recipe.config)
    except (TypeError, ValueError, RuntimeError) as error:
        raise RheostatError(
            "bad-recipe",
            f"The config of {recipe.architecture} does not fit: {error}.",
            "Correct it; what can be said there is in the network's class.",
        ) from error
    if task.scale != network.scale:
        raise RheostatError(
            "bad-recipe",
            f"The task {recipe.task} enlarges {task.scale} times, the network {network.scale}.",
            "Change the scale in the config, or the task.",
        )
    multiple = network.multiple * task.scale
    for patch in (stage.patch for stage in recipe.stages):
        if patch % multiple or patch < task.smallest:
            raise RheostatError(
                "bad-recipe",
                f"A stage's patch is {patch} pixels wide; it can be a multiple of {multiple} "
                f"and at least {task.smallest}.",
                "Correct the stage.",
            )
    return network


def keep_only(network: nn.Module, coordinates: tuple[int, ...]) -> None:
    """Drop every gradient but those of the slopes of `coordinates` (numbers, from 0).

    A gradient that was never anything but 0 moves nothing in Adam or Muon: the rest of the network
    stays as it is, exactly.
    """
    kept = list(_slopes(network))
    slopes = {id(parameter) for _, parameter in kept}
    for parameter in network.parameters():
        if id(parameter) not in slopes:
            parameter.grad = None
    for count, parameter in kept:
        if parameter.grad is not None:
            parameter.grad[[i for i in range(count) if i not in coordinates]] = 0.0


def _slopes(network: nn.Module) -> Iterator[tuple[int, nn.Parameter]]:
    """How many coordinates, and their slopes, for every tunable kernel and bias."""
    for layer in network.modules():
        if isinstance(layer, TunableKernel):
            for slopes in (layer.weight_slopes, layer.bias_slopes):
                if slopes is not None:
                    yield layer.controls, slopes


def _early(weights: Mapping[str, Tensor]) -> int:
    """Coordinates that all kernels have; the last ones have those of the last control besides."""
    return min((len(v) for name, v in weights.items() if name.endswith("_slopes")), default=0)


def _learning_rate(stage: Stage, step: int) -> float:
    """Cosine decay to a two-thousandth over the stage, after a short linear warm-up."""
    warm = min(1.0, (step + 1) / 200)
    decay = 0.0005 * (1999 * 0.5 * (1 + math.cos(math.pi * step / stage.steps)) + 1)
    return stage.learning_rate * warm * decay


def _device(name: str | None) -> torch.device:
    return torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))


def _autocast(device: torch.device) -> torch.autocast:
    """bfloat16 where the device computes it natively; elsewhere it is slower than float32."""
    native = (
        torch.cuda.is_bf16_supported()
        if device.type == "cuda"
        else torch.cpu._is_avx512_bf16_supported()
    )
    return torch.autocast(device.type, torch.bfloat16, enabled=native)
