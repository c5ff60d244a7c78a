"""`python -m benchmarks.served.by_litserve PORT`: until the process is ended."""

import base64
import sys

import litserve
from fastapi import Request, Response

from . import Filter


class Api(litserve.LitAPI):  # type: ignore[misc]  # not installed where types are checked
    """One worker."""

    def setup(self, device: str) -> None:
        """Load the model."""
        del device
        self.filter = Filter()

    def decode_request(self, request: Request) -> tuple[bytes, float]:
        """Pixels in base64: LitServe makes a request JSON before a worker sees it."""
        return base64.b64decode(request["pixels"]), float(request["noise"])

    def predict(self, work: tuple[bytes, float]) -> bytes:
        """Filter."""
        return self.filter(*work)

    def encode_response(self, pixels: bytes) -> Response:
        """Raw pixels."""
        return Response(pixels, media_type="application/octet-stream")


if __name__ == "__main__":
    server = litserve.LitServer(Api(), accelerator="cpu")
    server.run(port=int(sys.argv[1]), generate_client_file=False)
