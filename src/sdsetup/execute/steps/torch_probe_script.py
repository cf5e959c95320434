"""Runs inside an installation's environment, not in ours: what torch can do here, as one JSON line.

Only the standard library and torch; sdsetup is not importable there.
"""

import json
import sys


def main(wanted: str) -> None:
    said: dict[str, object] = {"python": sys.version.split()[0]}
    try:
        import torch  # type: ignore[import-not-found]
    except Exception as error:  # whatever breaks the import is the answer
        said["broken"] = f"{type(error).__name__}: {error}"
        print(json.dumps(said))
        return
    said["torch"] = torch.__version__
    said["cuda"] = torch.version.cuda
    said["hip"] = getattr(torch.version, "hip", None)
    device = "cpu"
    try:
        if torch.cuda.is_available():
            device = "cuda"
            said["card"] = torch.cuda.get_device_name(0)
            said["capability"] = list(torch.cuda.get_device_capability(0) or ())
            said["architectures"] = torch.cuda.get_arch_list()
        elif wanted == "mps" and torch.backends.mps.is_available():
            device = "mps"
        said["device"] = device
        kind = torch.float32 if device == "cpu" else torch.float16
        torch.manual_seed(15)
        picture = torch.rand(1, 4, 64, 64, dtype=torch.float32).to(device, kind)
        kernel = torch.rand(8, 4, 3, 3, dtype=torch.float32).to(device, kind)
        folded = torch.nn.functional.conv2d(picture, kernel, padding=1)
        square = folded.reshape(512, 64).T @ folded.reshape(512, 64) / 512
        said["nan"] = bool(torch.isnan(folded).any() or torch.isnan(square).any())
        said["sum"] = float(square.float().sum())
        if device == "cuda":
            free, total = torch.cuda.mem_get_info()
            said["vram_free"], said["vram_total"] = free, total
    except Exception as error:
        said["failed"] = f"{type(error).__name__}: {error}"
    print(json.dumps(said))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "cuda")
