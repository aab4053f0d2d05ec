import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# other work on the same machine must not fail a test, so nothing is timed
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# tests work in folders of their own, where a relative folder would be another one
if named := os.environ.get("PENNYWEIGHT_DATA"):
    os.environ["PENNYWEIGHT_DATA"] = str(Path(named).expanduser().absolute())


# the workers of pytest-xdist state a width, and commands would print for it
os.environ.pop("COLUMNS", None)


@pytest.fixture(autouse=True)
def handlers_of_signals() -> Iterator[None]:
    """Put back what hears of signals: a command that runs inside this process and ends would leave them unheard."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """The folder named by $PENNYWEIGHT_DATA when the real MNIST lies in it."""
    folder = Path(os.environ.get("PENNYWEIGHT_DATA", ""))
    if not os.environ.get("PENNYWEIGHT_DATA") or not any(folder.glob("mnist/train-images*idx3-ubyte*")):
        pytest.skip("MNIST not found; set PENNYWEIGHT_DATA")
    return folder


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of support.TINY on the embedded digits; to be read, or copied and then changed."""
    from support import TINY

    from pennyweight.api import train

    folder = tmp_path_factory.mktemp("digits") / "seed-0"
    train(TINY, dataset="digits", engine="torch", out=folder)
    return folder


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the documentation site, built once in a run of the tests."""
    from built_site import built_site

    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))  # what its workers share
    return built_site(tmp_path_factory.mktemp("hook"), run)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Turn a skip into a failure where everything must run: in CI."""
    report = yield
    if os.environ.get("CI") and report.skipped:
        report.outcome = "failed"
    return report
