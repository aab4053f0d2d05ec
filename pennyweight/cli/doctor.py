"""`pennyweight doctor`: what this machine has, and what is missing for what."""

from importlib.metadata import PackageNotFoundError, version

from pennyweight.cli.options import Data, Json
from pennyweight.cli.output import result, result_json

PACKAGES = {
    "numpy": "needed by everything",
    "safetensors": "needed by everything",
    "torch": "the torch engine, the way to a GPU: pip install 'pennyweight[torch]'",
}


def doctor(data: Data = None, as_json: Json = False) -> None:
    """Say what this machine has and what is missing.

    Processor, packages, compiler, datasets and where runs go. Nothing is changed.

    Example: pennyweight doctor
    """
    from pennyweight.reporting.tables import table

    facts = _facts(data)
    if as_json:
        return result_json(facts)
    lines = [(name, "yes" if found["ok"] else "no", found["what"]) for name, found in facts.items()]
    return result(table(("", "ok", "what was found"), lines))


def _facts(data: Data) -> dict[str, dict[str, object]]:
    import os
    import platform
    from pathlib import Path

    from pennyweight.api import RUNS
    from pennyweight.data.catalogue import SOURCES
    from pennyweight.data.sources import data_folder, missing
    from pennyweight.native.compiler import compiler_version, find_compiler
    from pennyweight.training.provenance import commit, package_version, processor

    facts: dict[str, dict[str, object]] = {
        "pennyweight": {"ok": True, "what": f"{package_version()} {commit()}".strip()},
        "python": {"ok": True, "what": f"{platform.python_version()} on {platform.platform()}"},
        "processor": {"ok": True, "what": processor()},
    }
    for package, use in PACKAGES.items():
        try:
            facts[package] = {"ok": True, "what": version(package)}
        except PackageNotFoundError:
            facts[package] = {"ok": False, "what": f"not installed; {use}"}
    compiler = find_compiler()
    facts["C compiler"] = {
        "ok": compiler is not None,
        "what": compiler_version(tuple(compiler))
        if compiler
        else "none; the native engine needs one: gcc, clang, or pip install 'pennyweight[compiler]'",
    }
    folder = data_folder(data)
    for name, source in SOURCES.items():
        lacking = missing(source, folder / name)
        what = f"in {folder / name}" if not lacking else f"not in {folder / name}; pennyweight fetch {name} gets it"
        facts[name] = {"ok": not lacking, "what": what}
    facts["digits"] = {"ok": True, "what": "embedded in the package"}
    here = Path.cwd()
    facts["run folder"] = {"ok": os.access(here, os.W_OK), "what": str(here / RUNS)}
    return facts
