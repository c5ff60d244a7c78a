"""`python -m benchmarks.served.by_ray PORT`: until the process is ended."""

from __future__ import annotations

import sys
import time

import ray
import torch
from ray import serve
from starlette.requests import Request
from starlette.responses import Response

from . import Filter


class Api:
    """One worker."""

    def __init__(self) -> None:
        torch.set_num_threads(2)  # Ray gives an actor one
        self.filter = Filter()

    async def __call__(self, request: Request) -> Response:
        """Raw pixels, and the slider in a header."""
        pixels, noise = await request.body(), float(request.headers["x-noise"])
        return Response(self.filter(pixels, noise), media_type="application/octet-stream")


if __name__ == "__main__":
    serving = serve.deployment(Api, ray_actor_options={"num_cpus": 2})
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    serve.start(http_options={"port": int(sys.argv[1])})
    serve.run(serving.bind(), route_prefix="/predict")
    while True:
        time.sleep(60)
