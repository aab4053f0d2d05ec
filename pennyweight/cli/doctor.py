"""`pennyweight doctor`: what is installed, what is missing, and what needs it."""

import os
import shlex

from pennyweight.base.errors import UnavailableError
from pennyweight.cli.options import Data, Json, Wide
from pennyweight.cli.output import columns, result, result_json

PACKAGES = {
    "numpy": "required",
    "pillow": "required",
    "safetensors": "required",
    "matplotlib": "pages and figures: pip install 'pennyweight[report]'",
    "jinja2": "pages: pip install 'pennyweight[report]'",
    "torch": "the torch engine, required for GPU training: pip install 'pennyweight[torch]'",
    "onnx": "export to ONNX: pip install 'pennyweight[ship]'",
    "onnxruntime": "the judge of exports to ONNX: pip install 'pennyweight[ship]'",
}


def doctor(data: Data = None, wide: Wide = False, as_json: Json = False) -> None:
    """Check what is installed and what is missing.

    Processor, packages, compiler, datasets (read and compared with the published ones) and where runs go. Changes
    nothing.

    Example: pennyweight doctor
    """
    from pennyweight.reporting.machine import machine_table
    from pennyweight.tables.text import to_text

    facts = _json_values(data)
    if as_json:
        result_json(facts)
    else:
        result(to_text(machine_table(facts), columns(wide)))


def _json_values(data: Data) -> dict[str, dict[str, object]]:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    from pennyweight.base.machine import processor
    from pennyweight.base.version import VERSION
    from pennyweight.data.sources import SOURCES
    from pennyweight.runs.provenance import commit

    facts: dict[str, dict[str, object]] = {
        "pennyweight": {"ok": True, "what": f"{VERSION} {commit()}".strip()},
        "python": {"ok": True, "what": f"{platform.python_version()} on {platform.platform()}"},
        "processor": {"ok": True, "what": processor()},
    }
    for package, use in PACKAGES.items():
        try:
            facts[package] = {"ok": True, "what": version(package)}
        except PackageNotFoundError:
            facts[package] = {"ok": False, "what": f"not installed; {use}"}
    facts["C compiler"] = _compiler_fact()
    facts |= {name: _dataset_fact(name, data) for name in SOURCES}
    facts["digits"] = {"ok": True, "what": "embedded in the package"}
    facts["run folder"] = _run_folder_fact()
    return facts


def _run_folder_fact() -> dict[str, object]:
    from pennyweight.runs.naming import RUNS

    try:
        here = os.getcwd()
    except OSError as error:
        return {"ok": False, "what": f"the current folder: {error.strerror}"}
    folder = os.path.join(here, RUNS)
    place = folder if os.path.exists(folder) else here
    if os.access(place, os.W_OK | os.X_OK):
        return {"ok": True, "what": folder}
    read_only = os.statvfs(place).f_flag & os.ST_RDONLY
    why = "its file system is mounted read-only" if read_only else "this user has no permission to write there"
    return {"ok": False, "what": f"no run can be kept in {place}: {why}; name another folder with --out"}


def _compiler_fact() -> dict[str, object]:
    """Return which compiler there is, once it has answered as one."""
    from pennyweight.native.compiler import compiler_version, find_compiler, vector_lanes

    try:
        compiler = find_compiler()
        if compiler is None:
            what = "none; the native engine needs one: gcc, clang, or pip install 'pennyweight[compiler]'"
            return {"ok": False, "what": what}
        vector_lanes()
        return {"ok": True, "what": compiler_version(tuple(compiler))}
    except UnavailableError as error:
        return {"ok": False, "what": str(error)}


def _dataset_fact(name: str, data: Data) -> dict[str, object]:
    """Return whether the folder holds the published content of a dataset, which takes reading all of it."""
    from pennyweight.data.dataset import load
    from pennyweight.data.fetch import data_folder, missing
    from pennyweight.data.sources import SOURCES

    sentences = list[str]()
    try:
        folder = data_folder(data)
        home = folder / name
        if missing(SOURCES[name], home):
            return {"ok": False, "what": f"not in {home}; {_fetch(name, data)} gets it"}
        if load(name, folder, report=sentences.append, download=False).name == name:
            return {"ok": True, "what": f"in {home}"}
    except UnavailableError as error:
        return {"ok": False, "what": str(error)}
    sentences.append(f"Move them away, and {_fetch(name, data)} gets the published ones.")
    return {"ok": False, "what": " ".join(sentences)}


def _fetch(name: str, data: Data) -> str:
    """Return the command that downloads a dataset to where it is looked for."""
    from pennyweight.base.program import command_line_words

    return shlex.join([*command_line_words(), "fetch", name, *(() if data is None else ("--data", str(data)))])
