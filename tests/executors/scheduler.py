"""A SLURM of one node that belongs to a test: its daemons, in a folder of their own."""

import getpass
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
COMMANDS = ("sinfo", "squeue", "sbatch", "srun", "scancel", "scontrol")
START = 20.0  # seconds until the node must be idle
CONFIGURATION = """\
ClusterName=ours
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={daemon}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
JobRequeue=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SchedulerParameters=sched_interval=2,bf_interval=2
KillWait=5
ReturnToService=2
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=1000
PartitionName=low Nodes=ALL Default=YES PriorityTier=1
PartitionName=high Nodes=ALL PriorityTier=2
"""


def missing() -> str:
    """The programs that are not on PATH; empty where SLURM can be started."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    return ", ".join(own for own in (*DAEMONS, *COMMANDS) if not shutil.which(own, path=path))


class Scheduler:
    """Two processors; jobs of partition ``high`` preempt those of ``low``, which wait again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.daemons = folder, list[subprocess.Popen[bytes]]()
        self.configuration = folder / "slurm.conf"

    def start(self) -> None:
        """Raises ``RuntimeError`` with what the daemons said, where the node does not get idle."""
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        (self.folder / "key").write_bytes(secrets.token_bytes(128))
        (self.folder / "key").chmod(0o600)
        self.configuration.write_text(self._configured())
        files = {"socket": "munge.socket", "key-file": "key", "pid-file": "munge.pid"}
        files |= {"seed-file": "munge.seed", "log-file": "munge.log"}
        words = [f"--{option}={self.folder / file}" for option, file in files.items()]
        self._daemon("munged", "--foreground", "--force", *words)
        self._daemon("slurmctld", "-D", "-c", "-f", str(self.configuration))
        self._daemon("slurmd", "-D", "-N", self._host, "-f", str(self.configuration))
        self._wait()

    def stop(self) -> None:
        """End the jobs, then the daemons, the last one first."""
        deadline = time.monotonic() + START
        if self._alive:
            self.ask("scancel", f"--user={getpass.getuser()}")
        while self._alive and self.ask("squeue", "--noheader") and time.monotonic() < deadline:
            time.sleep(0.2)
        for daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(START)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def ask(self, *command: str) -> str:
        """What a command of SLURM answers; nothing where it fails."""
        environment = {**os.environ, "SLURM_CONF": str(self.configuration)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return "" if done.returncode else done.stdout.strip()

    @property
    def _host(self) -> str:
        return socket.gethostname().partition(".")[0]

    def _configured(self) -> str:
        controller, daemon = free_ports(2)
        values = {"host": self._host, "user": getpass.getuser(), "folder": self.folder}
        return CONFIGURATION.format(controller=controller, daemon=daemon, **values)

    def _daemon(self, name: str, *words: str) -> None:
        program = shutil.which(name) or f"/usr/sbin/{name}"
        with (self.folder / f"{name}.out").open("wb") as said:
            self.daemons.append(
                subprocess.Popen([program, *words], stdout=said, stderr=subprocess.STDOUT)
            )

    def _wait(self) -> None:
        deadline = time.monotonic() + START
        while not (idle := self._idle()) and self._alive and time.monotonic() < deadline:
            time.sleep(0.2)
        if not idle:
            raise RuntimeError(self._said())

    def _idle(self) -> bool:
        command = ("sinfo", "--noheader", "--Node", "--format=%t", "--partition=low")
        return self._alive and self.ask(*command) == "idle"

    @property
    def _alive(self) -> bool:
        return all(own.poll() is None for own in self.daemons)

    def _said(self) -> str:
        """The last line of each daemon."""
        lines = [
            path.read_text(errors="replace").splitlines() for path in self.folder.glob("*.out")
        ]
        return "; ".join(own[-1] for own in lines if own)


def free_ports(count: int) -> Sequence[int]:
    """Ports nobody listens at."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [own.getsockname()[1] for own in sockets]
    for own in sockets:
        own.close()
    return ports
