"""A table's columns as a struct of C, what encodes it, and what turns outputs into answers."""

from __future__ import annotations

from clearprop.errors import SpecificationError
from clearprop.export.c_network import filled
from clearprop.export.c_text import comment, decimal, literal
from clearprop.export.interface import MEANING, members
from clearprop.export.pipeline import Pipeline
from clearprop.metrics import threshold
from clearprop.tables import Target
from clearprop.tables.date_encoding import PARTS, DateEncoding
from clearprop.tables.encodings import BooleanEncoding, Encoding, NumberEncoding, TextEncoding

#: helper -> its text; only those that are called are written
_HELPERS = {
    "fill": """static double {p}_fill(double value, double missing)
{{
    return value == value ? value : missing;
}}""",
    "flag": """static double {p}_flag(double value)
{{
    return value == value ? 0.0 : 1.0;
}}""",
    "circle": """/* sine and cosine of the place of days in a period that begins at start */
static void {p}_circle(double days, double length, double start, double *x)
{{
    const double periods = (days - start) / length;
    const double angle = 6.283185307179586 * (periods - floor(periods));
    x[0] = sin(angle);
    x[1] = cos(angle);
}}""",
    "slots": """/* one-hot: a slot for each level, then one for other texts; slot `missing` for no text */
static void {p}_slots(const char *text, const char *const *levels, int count, int missing, double *x)
{{
    int slot = 0, at = 0;
    if (!text || !text[0])
        slot = missing;
    else
        for (; slot < count; ++slot) {{
            for (at = 0; text[at] && text[at] == levels[slot][at]; ++at)
                ;
            if (text[at] == levels[slot][at])
                break;
        }}
    x[slot] = 1.0;
}}""",
}


def row_lines(pipeline: Pipeline, prefix: str) -> list[str]:
    """The struct of a row."""
    lines = ["/* a row of the table, as its columns are named there */", "typedef struct {"]
    for row, member in zip(pipeline.columns, members(pipeline), strict=True):
        kind = "const char *" if isinstance(row, TextEncoding) else "double "
        lines.append(
            f"    {kind}{member}; /* {comment(repr(row.column))}: {MEANING['c'][row.column_kind]} */"
        )
    return [*lines, f"}} {prefix}_row;"]


def encoder_lines(pipeline: Pipeline, prefix: str) -> list[str]:
    """Lines that define `static void PREFIX_encode(const PREFIX_row *row, double *x)`."""
    levels: list[str] = []
    calls: list[str] = []
    place = 0
    named = members(pipeline)
    for number, (row, member) in enumerate(zip(pipeline.columns, named, strict=True), start=1):
        if isinstance(row, TextEncoding):
            levels += _levels(row, f"{prefix}_levels_{number}")
        calls += _encoded(row, member, f"{prefix}_levels_{number}", place, prefix)
        place += len(row.feature_names)
    called = "\n".join(calls)
    helpers = [text.format(p=prefix) for name, text in _HELPERS.items() if f"{prefix}_{name}(" in called]
    bound = decimal(pipeline.bound)
    return [
        *levels,
        *"\n\n".join([*helpers, ""]).splitlines(),
        f"static void {prefix}_encode(const {prefix}_row *row, double *x)",
        "{",
        f"    for (int i = 0; i < {place}; ++i)",
        "        x[i] = 0.0;",
        *(f"    {call}" for call in calls),
        f"    for (int i = 0; i < {place}; ++i)",
        f"        x[i] = x[i] > {bound} ? {bound} : x[i] < -{bound} ? -{bound} : x[i];",
        "}",
        "",
    ]


def _levels(row: TextEncoding, name: str) -> list[str]:
    texts = [literal(level) for level in row.levels]
    return [f"static const char *const {name}[{len(texts)}] = {{", *filled(texts), "};", ""]


def _encoded(row: Encoding, member: str, levels: str, place: int, prefix: str) -> list[str]:
    """Statements that write the features of one column from x[place]."""
    given = f"row->{member}"
    lines: list[str] = []
    match row:
        case TextEncoding():
            count = len(row.levels)
            missing = count + 1 if row.missing else count
            return [f"{prefix}_slots({given}, {levels}, {count}, {missing}, x + {place});"]
        case BooleanEncoding():
            lines = [f"x[{place}] = {prefix}_fill({given}, {decimal(row.usual)});"]
        case NumberEncoding() | DateEncoding():
            filled_in = f"{prefix}_fill({given}, {decimal(row.median)})"
            if row.std > 0:
                lines = [f"x[{place}] = ({filled_in} - {_term(row.mean)}) / {decimal(row.std)};"]
            for k, part in enumerate(row.parts if isinstance(row, DateEncoding) else ()):
                length, start = map(decimal, PARTS[part])
                lines.append(f"{prefix}_circle({filled_in}, {length}, {start}, x + {place + 1 + 2 * k});")
    if row.missing:
        lines.append(f"x[{place + len(row.feature_names) - 1}] = {prefix}_flag({given});")
    return lines


def _term(value: float) -> str:
    return f"({decimal(value)})" if value < 0 else decimal(value)


def answer_declarations(pipeline: Pipeline, prefix: str) -> list[str]:
    """Lines that declare what a row is answered with."""
    target = _target(pipeline)
    if not pipeline.gives_classes:
        order = ", ".join(map(repr, target.columns))
        return [
            f"#define {prefix.upper()}_TARGETS {len(target.columns)}",
            f"/* writes the targets in their own units to y: {comment(order)} */",
            f"void {prefix}_predict(const {prefix}_row *row, double *y);",
        ]
    classes, units = len(target.classes), pipeline.network.output.units
    probabilities = pipeline.gives_probabilities
    written = f"the {classes} probabilities to p" if probabilities else f"{units} score(s) to p"
    return [
        f"#define {prefix.upper()}_CLASSES {classes}",
        f"extern const char *const {prefix}_classes[{classes}]; /* of {comment(repr(target.columns[0]))} */",
        f"/* writes {written}; place of the class in {prefix}_classes */",
        f"int {prefix}_predict(const {prefix}_row *row, double *p);",
    ]


def answer_lines(pipeline: Pipeline, prefix: str) -> list[str]:
    """Lines that define what `answer_declarations` declares."""
    body = _classes_body(pipeline) if pipeline.gives_classes else _numbers_body(pipeline)
    target = _target(pipeline)
    head = f"void {prefix}_predict(const {prefix}_row *row, double *y)"
    lines: list[str] = []
    if pipeline.gives_classes:
        texts = [literal(str(label)) for label in target.classes]
        lines = [f"const char *const {prefix}_classes[{len(texts)}] = {{", *filled(texts), "};", ""]
        head = f"int {prefix}_predict(const {prefix}_row *row, double *p)"
    return [
        *lines,
        head,
        "{",
        f"    double x[{pipeline.network.inputs}], y_hat[{pipeline.network.output.units}];",
        f"    {prefix}_encode(row, x);",
        f"    {prefix}_network(x, y_hat);",
        *(f"    {line}" for line in body),
        "}",
    ]


def _numbers_body(pipeline: Pipeline) -> list[str]:
    """One statement for each target."""
    target = _target(pipeline)
    if not pipeline.standardised:
        return [f"y[{j}] = y_hat[{j}];" for j in range(len(target.columns))]
    pairs = enumerate(zip(target.means, target.stds, strict=True))
    return [f"y[{j}] = y_hat[{j}] * {decimal(std)} + {_term(mean)};" for j, (mean, std) in pairs]


def _classes_body(pipeline: Pipeline) -> list[str]:
    """Probabilities, or scores, and the class decided for."""
    units, classes = pipeline.network.output.units, len(_target(pipeline).classes)
    if units == 1:
        two = ["p[0] = 1.0 - y_hat[0];", "p[1] = y_hat[0];"]
        written = two if pipeline.gives_probabilities else ["p[0] = y_hat[0];"]
        return [*written, f"return y_hat[0] > {decimal(threshold(pipeline.network.loss))};"]
    largest = [
        "int best = 0;",
        f"for (int k = 1; k < {units}; ++k)",
        "    best = y_hat[k] > y_hat[best] ? k : best;",
    ]
    if not pipeline.gives_probabilities:
        return [*largest, f"for (int k = 0; k < {units}; ++k)", "    p[k] = y_hat[k];", "return best;"]
    return [
        *largest,
        "double sum = 0.0;",
        f"for (int k = 0; k < {units}; ++k)",
        "    sum += y_hat[k];",
        f"for (int k = 0; k < {units}; ++k)",
        f"    p[k] = sum > 0.0 ? y_hat[k] / sum : 1.0 / {classes}.0;",
        "return best;",
    ]


def _target(pipeline: Pipeline) -> Target:
    if pipeline.target is None:
        raise SpecificationError("export: a table's encoders need its target; save the model again")
    return pipeline.target
