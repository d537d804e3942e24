"""The text of a module → each small change to it that a test should see: one spot of its syntax tree, replaced."""

import ast
from dataclasses import dataclass

SWAPPED = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.Add: ast.Sub, ast.Sub: ast.Add,
    ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "floor": "ceil", "ceil": "floor"}
PARTS = ("elts", "keywords", "ifs")
NOT_CHANGED = {"annotation", "returns", "decorator_list"}
"""What checkers of types read, and what is done to a function or class as a whole."""
LONGEST = 100
"""Characters that are shown of a node."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Place:
    """Where a node stands. `within` names the functions and classes around it."""

    within: str
    line: int
    function: tuple[str, int] | None
    """The outermost function around it, by name and first line; None where it runs when the module is imported."""


@dataclass(frozen=True)
class Change:
    """A module in which another node stands in the place of one."""

    module: ast.Module
    parent: ast.AST
    slot: str
    index: int | None
    old: ast.AST
    new: ast.AST
    place: Place
    reads: str

    @property
    def key(self):
        """What it is listed by: it stays where lines move."""
        return f"{self.place.within}: {self.reads}" if self.place.within else self.reads

    def compiled(self, path):
        """The code of the module with this change and no other."""
        if "lineno" in self.old._attributes:
            ast.copy_location(self.new, self.old)
        self._put(self.new)
        try:
            return compile(ast.fix_missing_locations(self.module), path, "exec")
        finally:
            self._put(self.old)

    def _put(self, node):
        if self.index is None:
            setattr(self.parent, self.slot, node)
        else:
            getattr(self.parent, self.slot)[self.index] = node


def changes(text):
    """Each change to a module, from its top to its bottom."""
    module = ast.parse(text)
    yield from changes_below(module, module, Place("", 1, None))


def changes_below(module, node, place):
    """Each change to what a node is made of."""
    for slot, value in ast.iter_fields(node):
        if slot in NOT_CHANGED:
            continue
        around = inside(node, place) if slot == "body" else place
        for index, child in enumerate(value) if isinstance(value, list) else ((None, value),):
            if isinstance(child, ast.AST) and not says_nothing(child):
                here = Place(around.within, getattr(child, "lineno", around.line), around.function)
                for new, reads in (*replaced(child, node), *lessened(child)):
                    yield Change(module, node, slot, index, child, new, here, reads)
                yield from changes_below(module, child, here)


def inside(node, place):
    """The place of what stands in the body of a node."""
    if not isinstance(node, Function | ast.ClassDef):
        return place
    within = f"{place.within}.{node.name}" if place.within else node.name
    first = min(one.lineno for one in (node, *node.decorator_list))
    mine = (within, first) if isinstance(node, Function) else None
    return Place(within, place.line, place.function or mine)


def says_nothing(node):
    """Whether it does nothing: a docstring, `...` for a body, the name of a type, what checkers alone import."""
    match node:
        case ast.Expr(value=ast.Constant()) | ast.If(test=ast.Name("TYPE_CHECKING")) | ast.keyword(arg="strict"):
            return True
        case ast.Assign(targets=[ast.Name(name)], value=ast.Subscript(value=ast.Name())):
            return name[1:2].islower()  # `Steps = tuple[float, ...]`
        case ast.Assign(value=ast.Call(func=ast.Name("TypeVar"))) | ast.AnnAssign(annotation=ast.Name("TypeAlias")):
            return True
    return False


def replaced(node, parent):
    """What could stand in the place of a node, and how that reads."""
    context = f", in {shown(parent)}" if isinstance(node, ast.Constant) else ""
    for new in (*other_operations(node), *other_values(node), *other_statements(node)):
        yield new, f"{shown(node)} → {shown(new)}{context}"


def lessened(node):
    """A node without each of its parts, and how that reads."""
    if isinstance(getattr(node, "ctx", None), ast.Store):
        return
    for slot in PARTS:
        parts = getattr(node, slot, ())
        for number, part in enumerate(parts):
            if getattr(part, "arg", None) == "strict":
                continue  # it only tells whoever made a mistake
            yield with_(node, **{slot: without(parts, number)}), f"without {shown(part)}, in {shown(node)}"
    if isinstance(node, ast.Dict):
        for number, (key, value) in enumerate(zip(node.keys, node.values, strict=True)):
            new = with_(node, keys=without(node.keys, number), values=without(node.values, number))
            yield new, f"without {shown(key or value)}, in {shown(node)}"


def other_operations(node):
    """Other ways to combine the same values, or fewer of them."""
    match node:
        case ast.Compare(ops=ops):
            for number, op in enumerate(ops):
                yield with_(node, ops=[*ops[:number], SWAPPED[type(op)](), *ops[number + 1 :]])
        case ast.BoolOp(values=values):
            for number in range(len(values)):
                rest = without(values, number)
                yield with_(node, values=rest) if rest[1:] else rest[0]
        case ast.BinOp(op=op) if type(op) in SWAPPED:
            yield with_(node, op=SWAPPED[type(op)]())
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield node.operand
        case ast.IfExp():
            yield from (node.body, node.orelse)


def other_values(node):
    """Other values than one."""
    match node:
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield ast.Constant(value + 1)
        case ast.Constant(value=str(value)) if value:
            yield ast.Constant("another")
        case ast.Call(func=ast.Name(id=name)) if name in NAMES:
            yield with_(node, func=ast.Name(NAMES[name], ast.Load()))
        case ast.Slice():
            yield from (with_(node, **{end: None}) for end in ("lower", "upper") if getattr(node, end))


def other_statements(node):
    """Other statements than one; `pass` where it is left out."""
    match node:
        case ast.If():
            yield from (with_(node, test=ast.Constant(always)) for always in (True, False))
        case ast.While():
            yield with_(node, test=ast.Constant(value=False))
        case ast.match_case(guard=ast.AST()):
            yield with_(node, guard=None)
        case ast.AugAssign():
            yield from (with_(node, op=SWAPPED[type(node.op)]()), ast.Pass())
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]) | ast.Expr() | ast.Raise() | ast.Delete():
            yield ast.Pass()
        case ast.Continue():
            yield ast.Break()
        case ast.Break():
            yield ast.Continue()


def with_(node, **parts):
    """The same with some of its parts replaced."""
    return type(node)(**{**dict(ast.iter_fields(node)), **parts})


def without(parts, number):
    """All of them but one."""
    return parts[:number] + parts[number + 1 :]


def shown(node):
    """A node on one line: the head alone of a statement with a body."""
    match node:
        case ast.comprehension():
            node = ast.GeneratorExp(ast.Name("…"), [node])
        case ast.match_case():
            node = ast.Match(ast.Name("…"), [node])
    lines = ast.unparse(ast.fix_missing_locations(node)).splitlines()
    line = lines[-2].strip() if isinstance(node, ast.Match) else lines[0]
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"
