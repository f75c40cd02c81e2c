"""Real interpreters with hooks and faults in them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from seatrial.stack import fault_addition, startup_addition, write_startup

ASGI = "class App:\n    def __call__(self, scope): return 'sound'\n"
FACTORY = f"{ASGI}def create_app(*, name='x'):\n    return App()\n"
CELERY = "class Celery:\n    conf = {}\n    def task(self): return 'sound'\ncelery = Celery()\n"
BREAK_API = "import _patch\ndef install_api(app):\n    _patch.break_it(type(app), '__call__')\n"
BREAK_WORKER = "import _patch\ndef install_worker(celery):\n    _patch.break_it(type(celery), 'task')\n"
PATCH = "def break_it(owner, name):\n    setattr(owner, name, lambda *_: 'defective')\n"


def run(share: Path, code: str, environment: Mapping[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    """Run a program in the share's folder with what a service would get."""
    program = share.parent / "program.py"
    program.write_text(code)
    filled = {name: value.replace("{share}", str(share)) for name, value in environment.items()}
    own = {name: value for name, value in os.environ.items() if not name.startswith(("SEATRIAL", "COV", "PYTHON"))}
    command = [sys.executable, *(options or (str(program),))]
    return subprocess.run(
        command, env={**own, **filled}, cwd=share.parent, capture_output=True, text=True, timeout=20, check=False
    )


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """Return a share with the start-up code."""
    write_startup(tmp_path / "share")
    (tmp_path / "share" / "hooks").mkdir()
    return tmp_path / "share"


def hook(share: Path, name: str, code: str) -> None:
    """Put a hook into the share."""
    (share / "hooks" / name).write_text(code)


def test_hooks_run_before_the_program_and_in_order(share: Path) -> None:
    """Each hook has run when the program begins; without hooks nothing is said or done."""
    hook(share, "a.py", "print('a', COMMAND[-1].endswith('program.py'), PROBE)")
    hook(share, "b.py", "print('b')")
    done = run(share, "print('program')", startup_addition(hooks=["a.py", "b.py"]).environment)
    assert (done.stdout.split("\n"), done.stderr) == (["a True False", "b", "program", ""], "")
    assert run(share, "print('program')", {"PYTHONPATH": str(share / "py")}).stdout == "program\n"


def test_a_failing_hook_leaves_the_program_alone(share: Path) -> None:
    """An error is one line on stderr; the next hook and the program run."""
    hook(share, "a.py", "1 / 0")
    hook(share, "b.py", "print('b')")
    done = run(share, "print('program')", startup_addition(hooks=["missing.py", "a.py", "b.py"]).environment)
    assert (done.returncode, done.stdout) == (0, "b\nprogram\n")
    assert [line.split(":")[1].strip() for line in done.stderr.splitlines()] == ["missing.py", "a.py"]


def test_a_hook_can_end_the_process(share: Path) -> None:
    """SystemExit from a hook is the process's end, with its code."""
    hook(share, "a.py", "raise SystemExit(70)")
    done = run(share, "print('program')", startup_addition(hooks=["a.py"]).environment)
    assert (done.returncode, done.stdout) == (70, "")


def test_one_liners_run_without_hooks(share: Path) -> None:
    """A probe like `python -c` costs no more than without us."""
    hook(share, "a.py", "print('a')")
    addition = startup_addition(hooks=["a.py"]).environment
    assert run(share, "", addition, "-c", "print('probe')").stdout == "probe\n"


def test_the_services_own_sitecustomize_still_runs(share: Path) -> None:
    """Ours comes first on the path and hands on to the one that it hides."""
    own = share.parent / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("print('own', __name__)")
    path = {"PYTHONPATH": f"{share / 'py'}{os.pathsep}{own}"}
    assert run(share, "print('program')", path).stdout == "own sitecustomize\nprogram\n"


def test_probes_are_told_from_services(share: Path) -> None:
    """A process in the harness's session was started to ask; one that leads a session is the service."""
    hook(share, "a.py", "print(PROBE, flush=True)")
    addition = {**startup_addition(hooks=["a.py"]).environment, "SEATRIAL_OWNER": str(os.getpid())}
    assert run(share, "", addition).stdout == "True\n"
    starter = "import subprocess, sys; subprocess.run([sys.executable, 'program.py'], start_new_session=True)"
    (share.parent / "starter.py").write_text(starter)
    assert run(share, "", addition, "starter.py").stdout.split() == ["True", "False"]


def install(share: Path, *, fault: str, application: str) -> Mapping[str, str]:
    """Put a fault into the share, with its helper, and return the environment of the service."""
    faults = share.parent / "faults"
    faults.mkdir(exist_ok=True)
    (faults / "_patch.py").write_text(PATCH)
    (faults / "some-fault.py").write_text(fault)
    return fault_addition(fault=faults / "some-fault.py", application=application, share=share).environment


@pytest.mark.parametrize(
    ("module", "fault", "application", "use"),
    [
        (FACTORY, BREAK_API, "service.main:create_app", "m.create_app(name='y')(None)"),
        (f"{ASGI}app = App()\n", BREAK_API, "service.main:app", "m.app(None)"),
        (CELERY, BREAK_WORKER, "service.main:celery", "m.celery.task()"),
        (f"{CELERY}def make(): return celery\n", BREAK_WORKER, "service.main:make", "m.make().task()"),
        (f"{CELERY}class Box:\n    it = celery\n", BREAK_WORKER, "service.main:Box.it", "m.celery.task()"),
    ],
)
def test_a_fault_gets_into_the_application(share: Path, module: str, fault: str, application: str, use: str) -> None:
    """Both roles: what a factory makes, an application object, and one that lies in another object."""
    service = share.parent / "service"
    service.mkdir()
    (service / "__init__.py").write_text("")
    (service / "main.py").write_text(module)
    code = f"import service.main as m\nprint({use})\nprint(type(m.__loader__).__name__, m.__spec__.origin)"
    assert run(share, code, {}).stdout.split()[0] == "sound"
    done = run(share, code, install(share, fault=fault, application=application))
    assert done.stdout.split() == ["defective", "SourceFileLoader", str(service / "main.py")], done.stderr
    other = BREAK_WORKER if fault == BREAK_API else BREAK_API
    assert run(share, code, install(share, fault=other, application=application)).stdout.split()[0] == "sound"


@pytest.mark.parametrize(
    ("fault", "attribute"),
    [
        ("def install_api(app):\n    raise LookupError('what it patches is gone')\n", "create_app"),
        ("def install_api(app):\n    raise SystemExit(0)\n", "create_app"),
        ("syntax error", "create_app"),
        (BREAK_API, "renamed"),
    ],
)
def test_a_fault_that_cannot_be_installed_ends_the_service(share: Path, fault: str, attribute: str) -> None:
    """A service without its defect would prove nothing: it ends with 70, whatever catches exceptions around it."""
    (share.parent / "service.py").write_text(FACTORY)
    code = "try:\n    import service; service.create_app()\nexcept BaseException: pass\nprint('runs')"
    done = run(share, code, install(share, fault=fault, application=f"service:{attribute}"))
    assert (done.returncode, done.stdout) == (70, "")
    assert "Traceback" in done.stderr
    assert "seatrial: the fault could not be installed" in done.stderr


def test_a_fault_reaches_spawned_children(share: Path) -> None:
    """Servers with several workers start them with multiprocessing: they import the application, and get the fault."""
    (share.parent / "service.py").write_text(FACTORY)
    code = (
        "import multiprocessing\n"
        "def work():\n    import service; print(service.create_app()(None), flush=True)\n"
        "if __name__ == '__main__':\n"
        "    child = multiprocessing.get_context('spawn').Process(target=work); child.start(); child.join()\n"
    )
    done = run(share, code, install(share, fault=BREAK_API, application="service:create_app"))
    assert done.stdout == "defective\n", done.stderr


def test_a_service_ends_as_it_would_without_us(share: Path) -> None:
    """The start-up code neither catches nor delays a signal."""
    hook(share, "a.py", "")
    filled = {k: v.replace("{share}", str(share)) for k, v in startup_addition(hooks=["a.py"]).environment.items()}
    (share.parent / "wait.py").write_text("import time; print('up', flush=True); time.sleep(30)")
    command = [sys.executable, str(share.parent / "wait.py")]
    with subprocess.Popen(command, env={**os.environ, **filled}, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
        child.terminate()
        assert child.wait(timeout=10) == -signal.SIGTERM
