"""Interrupts at random moments while files are made: nothing is lost, nothing is left running.

    uv run python tests/endurance_files.py [evidence] [download] [save] [--n 1000] [--seed 0] …

Each interrupt ends a program of its own, which is forked from this one, so that it need not load
everything anew: by Ctrl-C (one, two, or one to all of its processes), SIGTERM or SIGKILL. After
each it is looked for what must not be: a program that goes on for more than five seconds (--limit),
a process that is left, a result that was there and is gone, a file that is neither the old nor the
new one.

`tests/test_endurance_files.py` does a few of each. Needs Linux, for its list of processes.
"""

import argparse
import contextlib
import io
import json
import os
import random
import shutil
import signal
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import RLock
from typing import Any

import tqdm

REST = 60.0  # seconds for the processes of a program that was killed; one may just be starting
TICK = 0.005  # seconds between two looks
#: How it is interrupted -> how often. "group" is what a terminal does.
WAYS = {"SIGINT": 3, "SIGINT group": 3, "SIGINT twice": 1, "SIGTERM": 2, "SIGKILL": 3}
#: What the program may end with: by itself, or by what it was sent.
STATUSES = {"SIGINT": {130}, "SIGTERM": {143, -signal.SIGTERM}, "SIGKILL": {-signal.SIGKILL}}


@dataclass
class Tally:
    """What came out: how often, how long, and what was wrong."""

    ways: Counter = field(default_factory=Counter)
    slowest_end: float = 0.0  # seconds from the signal until the program is gone
    slowest_rest: float = 0.0  # seconds until all of its processes are
    done: int = 0  # how often everything was finished in the end
    faults: list[str] = field(default_factory=list)
    limit: float = 5.0  # seconds for a program to end

    def check(self, good: bool, fault: str) -> None:
        if not good:
            self.faults.append(fault)
            print(f"FAULT: {fault}", file=sys.stderr, flush=True)

    def __str__(self) -> str:
        by = ", ".join(f"{n} {way}" for way, n in sorted(self.ways.items()))
        return (
            f"{sum(self.ways.values())} interrupts ({by}), {self.done} finished; ended within "
            f"{self.slowest_end:.2f} s, all processes within {self.slowest_rest:.2f} s; "
            f"{len(self.faults)} faults"
        )


# --- programs and their processes --------------------------------------------------------------


def start(function: Callable[[], int | None], log: Path) -> int:
    """Fork a program, in a session of its own, that ends with what `function` returns."""
    both = (signal.SIGINT, signal.SIGTERM)
    signal.pthread_sigmask(signal.SIG_BLOCK, both)  # what comes too early waits
    pid = os.fork()
    if pid:
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)  # here as well, so that the group is there at once
        signal.pthread_sigmask(signal.SIG_UNBLOCK, both)
        return pid
    status = 130  # if an interrupt comes while it ends
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # as in any Python program
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with contextlib.suppress(OSError):  # where its group is there already
            os.setsid()
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(out, 1)
        os.dup2(out, 2)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, both)
        status = function() or 0
    except KeyboardInterrupt:
        pass
    except SystemExit as why:
        status = why.code if isinstance(why.code, int) else 98
    except BaseException:
        import traceback

        traceback.print_exc()
        status = 99
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def ended(pid: int) -> int | None:
    """The exit status, negative for a signal; None if it still runs."""
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def left_of(pid: int) -> list[int]:
    """The processes of a program's group that still run."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            state, _, group = (folder / "stat").read_text("utf-8").rpartition(")")[2].split()[:3]
            if int(group) == pid and state not in "ZX":
                found.append(int(folder.name))
    return found


def interrupt(pid: int, way: str) -> None:
    """Send what this way says, if there is still somebody to get it."""
    number = getattr(signal, way.split()[0])
    with contextlib.suppress(ProcessLookupError):
        if way.endswith("group"):
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
        if way.endswith("twice"):
            time.sleep(0.01)
            os.kill(pid, number)


def wait_for(found: Callable[[], Any], seconds: float) -> tuple[Any, float]:
    """Look until something is found, that long at the most: (what, seconds)."""
    begin = time.monotonic()
    while (it := found()) is None and time.monotonic() - begin < seconds:
        time.sleep(TICK)
    return it, time.monotonic() - begin


def hit(pid: int, moment: float, way: str, tally: Tally, before: Callable[[], None]) -> int | None:
    """Interrupt a program at a moment; its exit status if it was ended by itself before that.

    `before` looks at what there is, right before the signal.
    """
    status, _ = wait_for(lambda: ended(pid), moment)
    if status is None:
        before()
        tally.ways[way] += 1
        interrupt(pid, way)
        sent, seconds = wait_for(lambda: ended(pid), tally.limit)
        tally.slowest_end = max(tally.slowest_end, seconds)
        tally.check(sent is not None, f"{way}: goes on for more than {tally.limit:g} s")
        if sent is None:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        allowed = STATUSES[way.split()[0]] | {0, 1}
        tally.check(sent is None or sent in allowed, f"{way}: exit status {sent}")
    gone, seconds = wait_for(lambda: None if left_of(pid) else True, REST)
    tally.slowest_rest = max(tally.slowest_rest, seconds)
    tally.check(bool(gone), f"{way}: leaves the processes {left_of(pid)}")
    for rest in left_of(pid):
        os.kill(rest, signal.SIGKILL)
    return status


def ways(rng: random.Random) -> str:
    """One of `WAYS`."""
    return rng.choices(list(WAYS), WAYS.values())[0]  # type: ignore[arg-type]


# --- evidence ----------------------------------------------------------------------------------

N_ROWS, FAILING, LONG = 12, 3, 7  # of the rows, one fails and one takes long


@dataclass(frozen=True)
class Nap:
    """A row that only takes time, and leaves a file when it is finished; one of them fails."""

    i: int
    folder: str
    seconds: float

    study = "naps"

    @property
    def name(self) -> str:
        return f"naps/{self.i}"

    def settings(self) -> dict[str, Any]:
        return {"i": self.i}


def timed(nap: Nap) -> tuple[dict[str, list[float]], float]:
    """What `gan_helpers.evidence.collect.timed` does, without torch."""
    time.sleep(nap.seconds)
    if nap.i == FAILING:
        raise ValueError("this row always fails")
    Path(nap.folder, f"finished {nap.i}").touch()
    return {"i": [nap.i]}, nap.seconds


def evidence(n: int, seed: int, tally: Tally) -> None:
    """Interrupt `python -m gan_helpers.evidence`, again and again until it has done all rows."""
    from gan_helpers.evidence import __main__ as cli, collect

    collect.timed = timed  # type: ignore[assignment]
    rng = random.Random(seed)
    while sum(tally.ways.values()) < n:
        with TemporaryDirectory() as name:
            folder = Path(name)
            naps = [Nap(i, name, 3.0 if i == LONG else rng.uniform(0, 0.4)) for i in range(N_ROWS)]
            cli.RUNS = {nap.name: nap for nap in naps}  # type: ignore[misc]
            cli.EMBEDDED = (folder, folder)  # type: ignore[assignment]
            repeat(folder, rng, tally, n, lambda: cli.main(["--jobs", "2"]))


def repeat(
    folder: Path, rng: random.Random, tally: Tally, n: int, main: Callable[[], None]
) -> None:
    """The same command until it ends by itself; what was finished before stays finished."""
    file = folder / "evidence.json"
    while True:
        way, kept, finished = ways(rng), set[str](), set[str]()
        for path in folder.glob("finished *"):  # what was finished while the last one ended
            path.unlink()

        def look() -> None:
            kept.update(json.loads(file.read_text("utf-8")) if file.exists() else ())  # noqa: B023
            finished.update(  # noqa: B023
                f"naps/{path.name.split()[1]}" for path in folder.glob("finished *")
            )

        last = sum(tally.ways.values()) >= n
        moment = 60.0 if last else rng.uniform(0, 2.5)
        status = hit(start(main, folder / "log"), moment, way, tally, look)
        rows = json.loads(file.read_text("utf-8")) if file.exists() else {}
        expected = kept if way == "SIGKILL" else kept | finished
        tally.check(expected <= set(rows), f"{way}: lost {sorted(expected - set(rows))}")
        for row, value in rows.items():
            good = value["run"] == {"i": int(row[5:])} and value["found"] == {"i": [int(row[5:])]}
            tally.check(good, f"{way}: {row} is {value}")
        log = (folder / "log").read_text("utf-8") if (folder / "log").exists() else ""
        tally.check("KeyboardInterrupt" not in log, f"{way}: shows where it was:\n{log[-3000:]}")
        if status is not None:
            break
    tally.check(status == 1 and "1 failed" in log, f"the failing row: status {status}")
    tally.check(len(rows) == N_ROWS - 1, f"{len(rows)} rows after all")
    hidden = [path.name for path in folder.glob(".*")]
    tally.check(not hidden, f"left beside the evidence: {hidden}")
    tally.done += 1


# --- download ----------------------------------------------------------------------------------


def archive_of(rng: random.Random) -> dict[str, bytes]:
    """JPEGs of noise, path -> contents."""
    from PIL import Image

    files = {}
    for split, n in (("train", 12), ("val", 2)):
        for i in range(n):
            noise = Image.frombytes("RGB", (128, 64), rng.randbytes(3 * 128 * 64))
            file = io.BytesIO()
            noise.save(file, "JPEG", quality=95)
            files[f"houses/{split}/{i}.jpg"] = file.getvalue()
    return files


def packed(files: dict[str, bytes]) -> bytes:
    """A .tar.gz."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


@contextlib.contextmanager
def serving(content: bytes) -> Iterator[str]:
    """The address of a server, a process of its own, that sends the archive bit by bit."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            begin = int(asked[6:-1]) if asked else 0  # bytes=BEGIN-
            self.send_response(206 if begin else 200)
            if begin:
                total = len(content)
                self.send_header("Content-Range", f"bytes {begin}-{total - 1}/{total}")
            self.send_header("Content-Length", str(len(content) - begin))
            self.end_headers()
            with contextlib.suppress(OSError):  # who was interrupted reads no more
                for i in range(begin, len(content), 8192):
                    self.wfile.write(content[i : i + 8192])
                    time.sleep(0.01)

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def service_actions(self) -> None:
            if os.getppid() != parent:
                os._exit(1)

    parent = os.getpid()
    server = Server(("127.0.0.1", 0), Handler)
    pid = start(server.serve_forever, Path(os.devnull))
    server.server_close()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def download(n: int, seed: int, tally: Tally) -> None:
    """Interrupt `load_public`, alone or beside another that loads the same set."""
    import torch

    from gan_helpers.datasets import public as public_data

    torch.set_num_threads(1)  # a forked program has only one of its threads
    rng = random.Random(seed)
    files = archive_of(rng)
    content = packed(files)
    public_data.CHUNK = 4096
    public_data.PUBLIC["houses"] = replace(
        public_data.PUBLIC["facades"],
        name="houses",
        url="http://127.0.0.1/houses.tar.gz",
        splits=("train", "val"),
        size_bytes=len(content),
    )
    with serving(content) as base:
        while sum(tally.ways.values()) < n:
            with TemporaryDirectory() as name:
                folder = Path(name)

                def load() -> None:
                    public_data.load_public("houses", "train", 32, folder, base=base, bar=False)  # noqa: B023

                fetch_again_and_again(folder, files, content, rng, tally, n, load)


def fetch_again_and_again(
    root: Path,
    files: dict[str, bytes],
    content: bytes,
    rng: random.Random,
    tally: Tally,
    n: int,
    load: Callable[[], None],
) -> None:
    """The same call until it ends by itself; what has arrived stays there."""
    where = [root / name for name in ("houses.tar.gz", "houses.tar.gz.part")]
    log = root.with_name(f"{root.name}.log")
    while True:
        way, had = ways(rng), [0]

        def arrived() -> int:
            return max((path.stat().st_size for path in where if path.is_file()), default=0)

        def look() -> None:
            had[0] = arrived()  # noqa: B023

        last = sum(tally.ways.values()) >= n
        moment = 60.0 if last else rng.uniform(0, 0.4)
        second = start(load, log) if rng.random() < 0.2 else None
        status = hit(start(load, log), moment, way, tally, look)
        if second is not None:
            other, _ = wait_for(lambda: ended(second), 30)  # noqa: B023
            tally.check(other == 0, f"{way}: the program beside ended with {other}")
        now = arrived()
        tally.check(now >= had[0], f"{way}: {had[0]} bytes had arrived, {now} are there")
        for path in where:
            if path.is_file():
                tally.check(content.startswith(path.read_bytes()), f"{way}: {path.name} is wrong")
        if (root / "houses").exists():
            check_pictures(root / "houses", files, way, tally)
        if status is not None:
            break
    text = log.read_text("utf-8") if log.exists() else ""
    log.unlink(missing_ok=True)
    tally.check(status == 0, f"load_public ended with {status}: {text[-2000:]}")
    shutil.rmtree(root / "houses", ignore_errors=True)
    load()  # once more from the archive: that clears away what was left by SIGKILL
    names = {path.name for path in root.iterdir()}
    tally.check(
        names == {"houses", "houses.tar.gz", "houses.tar.gz.sha256"}, f"in the folder: {names}"
    )
    tally.done += 1


def check_pictures(folder: Path, files: dict[str, bytes], way: str, tally: Tally) -> None:
    """A folder that has its name has all of its pictures."""
    for name, wanted in files.items():
        path = folder.parent / name
        good = path.is_file() and path.read_bytes() == wanted
        tally.check(good, f"{way}: {name} is missing or wrong in a set that is taken for whole")


# --- save --------------------------------------------------------------------------------------


def save(n: int, seed: int, tally: Tally) -> None:
    """Interrupt programs that write the same file of weights all the time, one or two at once."""
    import torch

    from gan_helpers.weights import read_weights, write_weights

    torch.set_num_threads(1)
    rng, file = random.Random(seed), "net.safetensors"
    net = torch.nn.Linear(256, 256)

    def write(folder: Path, k: int) -> None:
        with torch.no_grad():
            for x in net.parameters():
                x.fill_(k)
        write_weights(folder / file, {"net": net}, {"steps": k})
        replace_text(folder / "said", k)

    def write_on(folder: Path, first: int, step: int) -> None:
        for k in range(first, 10**9, step):
            write(folder, k)

    with TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, 0)
        while sum(tally.ways.values()) < n:
            way, said = ways(rng), [0]

            def look() -> None:
                said[0] = int((folder / "said").read_text("utf-8"))  # noqa: B023

            begin = read_weights(file, {"net": net}, folder)["steps"] + 1
            two = rng.random() < 0.3
            second = start(lambda: write_on(folder, begin, 1), folder / "log") if two else None  # noqa: B023
            pid = start(lambda: write_on(folder, begin, 1), folder / "log")  # noqa: B023
            hit(pid, rng.uniform(0, 0.15), way, tally, look)
            if second is not None:
                hit(second, rng.uniform(0, 0.05), ways(rng), tally, lambda: None)
            steps = read_weights(file, {"net": net}, folder)["steps"]
            whole = all(bool((x == steps).all()) for x in net.parameters())
            tally.check(whole, f"{way}: the weights are not those of one moment")
            tally.check(two or steps >= said[0], f"{way}: {said[0]} was saved, {steps} is there")
            beside = {path.name for path in folder.glob(".net*")}
            allowed = {f".{file}.lock", f".{file}.part"}
            tally.check(beside <= allowed, f"{way}: left beside: {beside}")
            write(folder, steps)
            hidden = [path.name for path in folder.glob(".net*")]
            tally.check(not hidden, f"{way}: left after another save: {hidden}")
            tally.done += 1


def replace_text(path: Path, k: int) -> None:
    """Note what is saved; a file of its own for each process, renamed, so that it is whole."""
    own = path.with_name(f"{path.name}{os.getpid()}")
    own.write_text(str(k), "utf-8")
    os.replace(own, path)


# -----------------------------------------------------------------------------------------------

KINDS: dict[str, Callable[[int, int, Tally], None]] = {
    "evidence": evidence,
    "download": download,
    "save": save,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kind", nargs="*", help=f"of {', '.join(KINDS)}; all by default")
    parser.add_argument("--n", type=int, default=1000, help="interrupts of each (default 1000)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--limit", type=float, default=5.0, help="seconds to end (default 5)")
    options = parser.parse_args()
    if unknown := set(options.kind) - set(KINDS):
        parser.error(f"{', '.join(unknown)} is unknown; choose from {', '.join(KINDS)}")
    os.environ["TQDM_DISABLE"] = "1"
    # The lock that tqdm makes itself would be one for all forked programs; the dead keep it.
    tqdm.tqdm.set_lock(RLock())
    bad = 0
    for kind in options.kind or KINDS:
        tally = Tally(limit=options.limit)
        KINDS[kind](options.n, options.seed, tally)
        print(f"{kind}: {tally}", flush=True)
        bad += len(tally.faults)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
