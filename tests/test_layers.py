"""Imports go one way: a file imports only from files below its own (design: the house).

Read from the syntax tree, so imports inside functions and under TYPE_CHECKING count.
"""

import ast
from pathlib import Path

import pytest

import clearprop

PACKAGE = Path(clearprop.__file__).parent

#: from the bottom to the top; files on one line do not know each other. A folder's name stands for all
#: files in it, or, where its files have lines, for its `__init__`
ORDER = """
errors words
arrays blas company durable kernel_cache untrusted
formulas.trees
formulas.language
formulas.latex formulas.mathml formulas.symbolic
formulas.rows
formulas.activations formulas.initializers formulas.schedules
formulas.losses formulas.optimizers
formulas
specification
engines.dropout engines.examples
engines.protocol
engines.shards
engines.textbook
engines.jacobian
engines.memory engines.primitives engines.tiles engines.sharing engines.tasks
engines.helpers engines.row_forward
engines.lowering
engines.builds
engines.plan
engines.kernels.rows engines.kernels.dropping engines.kernels.ordering
engines.kernels.products engines.kernels.reading
engines.kernels.passes engines.kernels.steps engines.kernels.batch engines.kernels.working
engines.kernels
engines.compiled
engines
tables
datasets
environment metrics
glassbox.magnitude
glassbox.certificate
glassbox.certifying
training.progress training.stopping training.weighting
training.validation
training.run
training.checkpoint
training.course
training.buckets training.descent training.lbfgs training.levenberg
training.launch
training.many
training.streaming
training
glassbox.influence glassbox.quantity glassbox.slopes glassbox.along
glassbox.whole_pass
glassbox.node
glassbox.forward_nodes
glassbox.backward_nodes
glassbox.derivation glassbox.paths
glassbox.render.lines
glassbox.render.text glassbox.render.latex glassbox.render.html glassbox.render.svg glassbox.render.bands
glassbox.render.curve
glassbox.render
glassbox.trace glassbox.loss_along
glassbox.replayed glassbox.same_run
glassbox.replay
glassbox.worksheet.blocks glassbox.worksheet.exercise glassbox.worksheet.working glassbox.worksheet.drawing
glassbox.worksheet.drawing_numbers glassbox.worksheet.drawing_tables
glassbox.worksheet.asking glassbox.worksheet.descent_sheet glassbox.worksheet.perceptron_sheet
glassbox.worksheet.text glassbox.worksheet.latex glassbox.worksheet.html
glassbox.worksheet.sheet
glassbox.worksheet
glassbox.diagnosis.measuring glassbox.diagnosis.finding
glassbox.diagnosis.case
glassbox.diagnosis.scales glassbox.diagnosis.steps glassbox.diagnosis.flow
glassbox.diagnosis.units glassbox.diagnosis.answers
glassbox.diagnosis.checks
glassbox.diagnosis.watch
glassbox.diagnosis
glassbox.verbs
glassbox.checker.matrix_language glassbox.checker.scene
glassbox.checker.view glassbox.checker.slips
glassbox.checker.evaluation
glassbox.checker.asked
glassbox.checker.judging glassbox.checker.places
glassbox.checker.counterexample glassbox.checker.setting
glassbox.checker.numbers_corrected glassbox.checker.slopes_corrected
glassbox.checker.products_corrected
glassbox.checker.explaining
glassbox.checker.verdict
glassbox.checker.checking
glassbox.checker
glassbox
model_file.schema
model_file.header
model_file.file model_file.inspecting
model_file
export.pipeline export.reading export.onnx_graph export.c_text
export.interface
export.onnx_formulas export.c_formulas
export.onnx_network export.c_network
export.onnx_table export.c_table
export.onnx_model export.c_source
export
model
constructions.expression constructions.normal_form constructions.predicting constructions.sampling
constructions.truth_table constructions.modulus
constructions.perceptrons constructions.strips
constructions.built
constructions.picture constructions.plans
constructions.tower_networks
constructions
table_model.threshold table_model.splits table_model.baselines table_model.canonical
table_model.settings table_model.rows
table_model.plan
table_model.model table_model.fold_scores table_model.ensembles
table_model.learning table_model.trials
table_model.folding
table_model.fitting
table_model.search_space
table_model.samplers table_model.cross_validation
table_model.search
table_model.explaining table_model.replaying table_model.diagnosing table_model.streaming
table_model.telling
table_model
distributed.room distributed.step_time distributed.threads distributed.gloo distributed.sources
distributed.manifest
distributed.dealing distributed.reading distributed.telling
distributed.plan
distributed.folder
distributed.encoders
distributed.bucketed
distributed.stretches
distributed.worker
distributed.ray_cluster distributed.ray_ranks
distributed.ray_launcher
distributed.politeness
distributed.fitting
distributed
report.resampling report.curves report.importance report.frame report.style
report.judged
report.charts report.example
report.content report.markup
report.sections report.answers report.glass
report.page
report
estimators
export.estimators
adoption.chain adoption.foreign_rows adoption.onnx_file
adoption.onnx_flow
adoption.onnx_operation
adoption.onnx_elementwise adoption.onnx_layers
adoption.onnx_graph adoption.scikit adoption.torch_modules
adoption
web.drawings.canvas web.drawings.contour web.drawings.pixels web.drawings.style
web.drawings.answers web.drawings.epochs web.drawings.histograms web.drawings.marks web.drawings.numbers
web.drawings.unit web.drawings.update
web.drawings.columns web.drawings.folding web.drawings.surface
web.drawings.weights web.drawings.layer_controls
web.drawings.network
web.drawings
web.guard.limits web.guard.address web.guard.headers
web.guard.judging
web.guard.gate web.guard.wire
web.guard
web.bench.coming web.bench.generated web.bench.dataset web.bench.keeping web.bench.parameters
web.bench.sets web.bench.scaling web.bench.pace web.bench.typing_in
web.bench.settings
web.bench.opened_model
web.bench.bench
web.bench.benches web.bench.script
web.bench.keepsakes
web.bench
web.lessons.lesson
web.lessons.boolean web.lessons.towers web.lessons.saturation
web.lessons.vanishing web.lessons.overfitting web.lessons.softmax
web.lessons.all_lessons web.lessons.preparing
web.lessons
web.rooms.uploads web.rooms.rendering
web.views.rows web.views.learning web.views.network web.views.remedies
web.views.answers web.views.findings
web.views
web.rooms.asking web.rooms.plugs
web.rooms.passes web.rooms.own_step
web.rooms.updating
web.rooms.shell web.rooms.playing web.rooms.frames web.rooms.glass
web.rooms.data web.rooms.teaching web.rooms.exporting
web.rooms
web.application web.opening
web.server
web
cli
__init__ __main__
"""
RANKS = {name: rank for rank, line in enumerate(ORDER.split("\n")) for name in line.split()}


LISTED_BY_FILE = {name.rsplit(".", 1)[0] for name in RANKS if "." in name}


def entry_of(module):
    """The line's name for a module: its own, or its folder's where that has one line; else None."""
    if module in RANKS:
        return module
    folder = module.rsplit(".", 1)[0]
    while folder not in RANKS and "." in folder:
        folder = folder.rsplit(".", 1)[0]
    return folder if folder in RANKS and folder not in LISTED_BY_FILE else None


def modules(package):
    """Module name, without the package's own -> its file."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        name = ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)
        found[name] = path
    return found


def imports_of(path, known, root="clearprop"):
    """Modules of the package that a file imports, anywhere in it, with the line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.split(".")[0] != root:
                continue
            inside = name.split(".")[1:]
            while inside and ".".join(inside) not in known:
                inside.pop()
            yield (".".join(inside) or "__init__"), node.lineno


def faults(package):
    known = modules(package)
    for module, path in known.items():
        own = entry_of(module)
        if own is None:
            yield f"{path.relative_to(package)} has no line in ORDER of tests/test_layers.py; give it one"
            continue
        for imported, line in imports_of(path, known):
            other = entry_of(imported)
            if other is None or other == own:
                continue  # a file without a line is reported at its own place
            if RANKS[other] >= RANKS[own]:
                place = f"{path.relative_to(package)}:{line}"
                yield f"{place}: {own} may not import {other}, which does not stand below it"


def test_imports_go_one_way():
    assert list(faults(PACKAGE)) == []


def test_no_name_stands_twice():
    assert len(RANKS) == len(ORDER.split())


@pytest.mark.parametrize(
    "text",
    [
        "import clearprop.engines.textbook",
        "from clearprop.engines import textbook",
        "from clearprop.engines.textbook import Textbook",
        "def f():\n    from clearprop.engines import engine_for",
        "import typing\nif typing.TYPE_CHECKING:\n    from clearprop.specification import Network",
        "import clearprop",
        "from clearprop import engines",
        "from clearprop import Network",
        "from clearprop.formulas.optimizers import Optimizer",
    ],
)
def test_a_planted_upward_import_is_found(tmp_path, text):
    for name in ("__init__", "formulas/__init__", "formulas/losses", "formulas/optimizers"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.py").write_text("")
    for name in ("engines/__init__", "engines/textbook", "specification"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.py").write_text("from clearprop.formulas.losses import Loss")
    assert list(faults(tmp_path)) == []
    (tmp_path / "formulas/losses.py").write_text(text)
    (fault,) = faults(tmp_path)
    assert fault.startswith("formulas/losses.py:")
    assert "may not import" in fault


@pytest.mark.parametrize(
    "name", ["utils.py", "formulas/helpers.py", "misc/__init__.py", "engines/fast/new.py"]
)
def test_an_unknown_file_is_found(tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("import clearprop.model")
    (fault,) = faults(tmp_path)
    assert fault == f"{name} has no line in ORDER of tests/test_layers.py; give it one"
