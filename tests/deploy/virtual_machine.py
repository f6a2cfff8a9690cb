"""A machine as the cloud gives one, emulated: a fresh disk, cloud-init, systemd, and a volume that stays.

No cloud is asked: Debian 12 stands for Ubuntu. What Canonical's image, the mirror and PyPI bring there
comes here from the image and from a second disk (the kit), for the guest reaches nothing but the authority.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.deploy.containers import ROOT
from tests.deploy.proxy import DOMAIN
from tests.servers import free_port

# What the product's own installation asks for is there before, since the guest has no mirror.
_PACKAGES = (
    *("systemd-sysv", "dbus", "udev", "iproute2", "netbase", "ifupdown", "isc-dhcp-client", "cloud-init"),
    *("linux-image-cloud-amd64", "initramfs-tools", "openssh-server", "sudo", "ca-certificates"),
    *("git", "curl", "nginx-light", "certbot", "python3-venv"),
)
_HOOKS = (
    'printf "datasource_list: [ NoCloud, None ]\\n" > "$1"/etc/cloud/cloud.cfg.d/90.cfg',
    'printf "LABEL=root / ext4 defaults 0 1\\n" > "$1"/etc/fstab',
    'rm "$1"/etc/apt/sources.list',
    'cp "$1"/boot/vmlinuz-* "$VM_FOLDER"/vmlinuz; cp "$1"/boot/initrd.img-* "$VM_FOLDER"/initrd',
)
# The provider's part of cloud-init: how the guest finds what the kit has instead of the internet.
_VENDOR_DATA = f"""#cloud-config
# Otherwise each sudo asks a name server for the machine's own name, and waits.
manage_etc_hosts: localhost
bootcmd:
  - mkdir -p /mnt/kit
  - mountpoint -q /mnt/kit || mount -o ro /dev/disk/by-label/KIT /mnt/kit
  - cp /mnt/kit/pip.conf /etc/pip.conf
  - printf '127.0.0.1 {DOMAIN}\\n10.0.2.100 authority.test\\n' >> /etc/hosts
  - cp /mnt/kit/*.crt /usr/local/share/ca-certificates/
  - update-ca-certificates
"""
FRESH, INTERRUPTED = "fresh.img", "interrupted.img"
LOCK = str(ROOT / "requirements/run.txt")
AUTHORITY_ADDRESS = "https://authority.test/dir"
REPOSITORY = "file:///mnt/kit/homeroom.git"
DATA_DEVICE = "/dev/disk/by-id/virtio-homeroom-data"


@dataclass(frozen=True)
class Ports:
    """Where the guest's ports are on this machine."""

    http: int = field(default_factory=free_port)
    https: int = field(default_factory=free_port)
    ssh: int = field(default_factory=free_port)


def make_images(folder: Path, wheels: Path) -> None:
    """A root disk with what a cloud's image has, its kernel beside it; and one that was on its way already.

    On the second the installation was interrupted: the packages are there, the application is not.
    """
    with tempfile.TemporaryDirectory() as work:
        tree = Path(work) / "tree"
        options = [
            *("--quiet", "--variant=minbase", f"--include={','.join(_PACKAGES)}"),
            *('--aptopt=Acquire::Languages "none"', "--dpkgopt=force-unsafe-io"),
            *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("man", "doc", "locale")),
            *(f"--customize-hook={hook}" for hook in _HOOKS),
        ]
        command = ["mmdebstrap", *options, "bookworm", str(tree)]
        subprocess.run(command, check=True, env=os.environ | {"VM_FOLDER": str(folder)}, timeout=400)
        _make_disk(folder / FRESH, tree)
        _begin_installation(tree, wheels)
        _make_disk(folder / INTERRUPTED, tree)


def _begin_installation(tree: Path, wheels: Path) -> None:
    """What deploy/machine/install.sh does first, without emulation."""
    shutil.copytree(wheels, tree / "wheels")
    shutil.copy(LOCK, tree / "lock.txt")
    environment = "/opt/homeroom/first"
    pip = f"{environment}/bin/python -m pip install --quiet --disable-pip-version-check --no-deps"
    script = f"""set -e
        python3 -m venv {environment}
        {pip} --no-index --find-links /wheels --require-hashes -r /lock.txt
        mv /lock.txt {environment}/packages.lock
        rm -r /wheels"""
    subprocess.run(["chroot", str(tree), "sh", "-c", script], check=True, timeout=400)


def _make_disk(disk: Path, tree: Path) -> None:
    make_blank_disk(disk, gibibytes=4)
    subprocess.run(["mke2fs", "-q", "-L", "root", "-t", "ext4", "-d", str(tree), str(disk)], check=True)


def make_blank_disk(path: Path, *, gibibytes: int) -> None:
    with path.open("wb") as file:
        file.truncate(gibibytes * 1024**3)


def make_kit(folder: Path, repository: Path, wheels: Path, authorities: dict[str, Path]) -> None:
    """A read-only disk: the class's repository, the locked packages, and whom to trust."""
    kit = folder / "kit"
    kit.mkdir()
    shutil.copytree(repository, kit / "homeroom.git")
    shutil.copytree(wheels, kit / "wheels")
    for name, certificate in authorities.items():
        shutil.copy(certificate, kit / f"{name}.crt")
    (kit / "pip.conf").write_text("[global]\nno-index = true\nfind-links = /mnt/kit/wheels\n")
    _make_iso(folder / "kit.iso", "KIT", kit)
    shutil.rmtree(kit)


def download_wheels(folder: Path) -> Path:
    """The locked packages for the guest's Python, whatever runs the tests."""
    target = [
        *("--python-version", "3.11", "--implementation", "cp", "--only-binary", ":all:"),
        *(word for tag in ("2_28", "2_17", "2014") for word in ("--platform", _platform(tag))),
    ]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    wheels = folder / "wheels"
    subprocess.run([*pip, *target, "--require-hashes", "-r", LOCK, "-d", str(wheels)], check=True)
    return wheels


def _platform(tag: str) -> str:
    return "manylinux2014_x86_64" if tag == "2014" else f"manylinux_{tag}_x86_64"


def _make_iso(image: Path, label: str, folder: Path) -> None:
    subprocess.run(
        ["genisoimage", "-quiet", "-o", str(image), "-V", label, "-J", "-R", str(folder)], check=True
    )


@dataclass(frozen=True)
class Surroundings:
    """What all machines of a test share; each has a copy of the root disk."""

    image: Path
    root_disk: str
    kit: Path
    data: Path
    user_data: str
    authority_port: int
    ports: Ports


class VirtualMachine:
    """One machine: its root disk is new at each start, the data disk stays."""

    def __init__(self, folder: Path, name: str, around: Surroundings) -> None:
        self.folder = folder / name
        self.folder.mkdir()
        self.around, self.ports = around, around.ports
        self._key = self.folder / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self._key)], check=True)
        seed = self.folder / "seed"
        seed.mkdir()
        public = self._key.with_suffix(".pub").read_text().strip()
        (seed / "user-data").write_text(around.user_data)
        (seed / "vendor-data").write_text(_VENDOR_DATA)
        (seed / "meta-data").write_text(
            f"instance-id: i-{name}\nlocal-hostname: {name}\npublic-keys:\n  - {public}\n"
        )
        _make_iso(self.folder / "seed.iso", "cidata", seed)

    @property
    def console(self) -> str:
        return (self.folder / "console.log").read_text(errors="replace")

    @property
    def command(self) -> list[str]:
        relay = f"{sys.executable} {Path(__file__).with_name('relay.py')} {self.around.authority_port}"
        network = [
            "user,id=n,restrict=on",
            f"hostfwd=tcp:127.0.0.1:{self.ports.http}-:80",
            f"hostfwd=tcp:127.0.0.1:{self.ports.https}-:443",
            f"hostfwd=tcp:127.0.0.1:{self.ports.ssh}-:22",
            f"guestfwd=tcp:10.0.2.100:443-cmd:{relay}",
        ]
        return [
            *("qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-m", "2048", "-smp", "2"),
            *("-nodefaults", "-display", "none", "-serial", f"file:{self.folder / 'console.log'}"),
            *("-kernel", str(self.around.image / "vmlinuz"), "-initrd", str(self.around.image / "initrd")),
            *("-append", "root=LABEL=root rw console=ttyS0 net.ifnames=0"),
            *("-drive", f"file={self.around.image / self.around.root_disk},if=virtio,format=raw,snapshot=on"),
            *("-drive", f"file={self.folder / 'seed.iso'},if=virtio,format=raw,readonly=on"),
            *("-drive", f"file={self.around.kit},if=virtio,format=raw,readonly=on"),
            *("-drive", f"file={self.around.data},if=none,id=data,format=raw"),
            *("-device", "virtio-blk-pci,drive=data,serial=homeroom-data"),
            *("-netdev", ",".join(network), "-device", "virtio-net-pci,netdev=n,romfile="),
            *("-device", "virtio-rng-pci"),
        ]

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """From power on to power off: it is never shut down, as a machine that is lost is not."""
        with (self.folder / "qemu.log").open("wb") as log:
            process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait(timeout=20)

    def run(
        self, command: str, *, stdin: str = "", check: bool = True, seconds: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """A command in the guest, as the user that the cloud made."""
        ssh = [
            *("ssh", "-i", str(self._key), "-p", str(self.ports.ssh), "-o", "BatchMode=yes"),
            *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"),
            *("-o", "ConnectTimeout=20", "debian@127.0.0.1", command),
        ]
        done = subprocess.run(ssh, input=stdin, capture_output=True, text=True, timeout=seconds, check=False)
        assert not check or done.returncode == 0, f"{command}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done

    def wait_until(
        self, ready: Callable[[], bool], process: subprocess.Popen[bytes], *, seconds: float
    ) -> None:
        """Until something is so; a guest that does not come there is told with what it printed."""
        deadline = time.monotonic() + seconds
        while not ready():
            assert process.poll() is None, (self.folder / "qemu.log").read_text()
            assert time.monotonic() < deadline, self.console[-3000:] + self._journal()
            time.sleep(1)

    def _journal(self) -> str:
        """What the guest's own units say, as far as it still answers."""
        told = self.run("sudo journalctl --no-pager --unit 'homeroom*' --lines 40", check=False)
        return told.stdout + told.stderr
