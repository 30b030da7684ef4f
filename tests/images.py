"""The container image without a container engine: its files, and its steps in a clean root."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from running import ROOT

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
IGNORED = ROOT / "deploy" / "Dockerfile.dockerignore"
# What pip and apt of this machine need to reach their indexes, wherever these are.
_OF_THIS_MACHINE = (
    "/etc/pip.conf",
    "/etc/xdg/pip/pip.conf",
    "/etc/xdg/pip/constraints.txt",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/resolv.conf",
)
_REACHING = ("PIP_", "SSL_", "HTTP_", "HTTPS_", "NO_", "http_", "https_", "no_", "REQUESTS_")


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """The instructions of a Dockerfile, continued lines joined."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        name, _, rest = line.partition(" ")
        yield name, " ".join(rest.split()) if name != "CMD" else rest


def context(folder: Path) -> set[str]:
    """The files below a folder that Dockerfile.dockerignore leaves: the last pattern rules."""
    patterns = [
        line for line in IGNORED.read_text().splitlines() if line and not line.startswith("#")
    ]
    names = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    return {name for name in names if not _is_ignored(name, patterns)}


def _is_ignored(name: str, patterns: list[str]) -> bool:
    ignored = False
    parts = name.split("/")
    above = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
    for pattern in patterns:
        plain = pattern.removeprefix("!")
        if plain.startswith("**/"):
            is_met = any(fnmatch.fnmatch(part, plain[3:]) for part in parts)
        else:
            is_met = any(
                fnmatch.fnmatch(a, plain) and a.count("/") == plain.count("/") for a in above
            )
        if is_met:
            ignored = not pattern.startswith("!")
    return ignored


class Image:
    """A root folder in which the instructions of deploy/Dockerfile are carried out."""

    def __init__(self, root: Path, working_copy: Path) -> None:
        self.root = root
        self._context = working_copy
        self._env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        self._folder, self._user = "/", "0:0"
        self._shell = ["/bin/sh", "-c"]
        self.command: list[str] = []

    def build(self) -> None:
        """All of them, in order; raises ValueError for one that this cannot carry out."""
        for name, rest in instructions(DOCKERFILE.read_text()):
            match name:
                case "FROM":
                    self._begin_from(rest)
                case "SHELL":
                    self._shell = json.loads(rest)
                case "ENV":
                    for each in shlex.split(rest):
                        key, _, value = each.partition("=")
                        self._env[key] = value.replace("$PATH", self._env["PATH"])
                case "WORKDIR":
                    self._folder = rest
                    self._inside(rest).mkdir(parents=True, exist_ok=True)
                case "COPY":
                    self._copy(*rest.split())
                case "RUN":
                    self._reach_the_indexes()
                    done = self.run(*self._shell, rest, **_reaching())
                    assert done.returncode == 0, f"{rest}\n{done.stdout}\n{done.stderr[-3000:]}"
                case "USER":
                    self._user = rest
                case "CMD":
                    self.command = json.loads(rest)
                case _:
                    raise ValueError(name)

    def run(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        """A command in the image, in its folder, as its user."""
        mounts = f"mount -t proc proc {self.root}/proc && mount --rbind /dev {self.root}/dev"
        enter = ["/usr/sbin/chroot", f"--userspec={self._user}", str(self.root), "/bin/sh", "-c"]
        home = "/root" if self._user == "0:0" else "/home/pipeline"
        return subprocess.run(
            ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", f'{mounts} && exec "$@"', "-", *enter,
             f'cd {self._folder} && exec "$@"', "-", *words],
            env={**self._env, "HOME": home, **env},
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip

    def _inside(self, path: str) -> Path:
        return self.root / os.path.join(self._folder, path).lstrip("/")  # noqa: PTH118

    def _begin_from(self, base: str) -> None:
        """The image of Debian's own is what mmdebstrap makes of a release."""
        found = re.fullmatch(r"debian:(\w+)-slim", base)
        assert found, base
        release = found[1]
        subprocess.run(
            ["mmdebstrap", "--quiet", "--variant=minbase", release, str(self.root)], check=True
        )

    def _reach_the_indexes(self) -> None:
        """Anew before every step: one that installs certificates replaces those of the machine."""
        for place in map(Path, _OF_THIS_MACHINE):
            inside = self.root / str(place).lstrip("/")
            if place.is_file():
                inside.parent.mkdir(parents=True, exist_ok=True)
                inside.unlink(missing_ok=True)  # it may be a link, which would lead out of the root
                shutil.copyfile(place, inside)

    def _copy(self, *words: str) -> None:
        *sources, target = words
        there = context(self._context)
        for source in sources:
            names = [n for n in there if n == source or n.startswith(f"{source}/")]
            assert names, f"{source} is not in the context"
            for name in names:
                below = name.removeprefix(f"{source}/") if name != source else ""
                place = self._inside(target)
                if target.endswith("/"):
                    place /= below or Path(source).name
                elif below:
                    place /= below
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(self._context / name, place)


def _reaching() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(_REACHING)}
