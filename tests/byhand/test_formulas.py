"""The formulas of the definitions: every one in the package is read, or known to be words."""

import ast
from functools import cache
from pathlib import Path

import pytest

import evenly as ev
from evenly.byhand.formulas import NotAFormula, Symbol, is_formula, parsed
from evenly.byhand.notation import Notation
from evenly.byhand.render.latex import LaTeX
from evenly.byhand.work import work_out

PACKAGE = Path(ev.__file__).parent
# What is said in words on purpose.
WORDS = {
    "mean of the mini-batch", "the lower quantile of x", "the upper quantile of x",
    "middle of the sorted x",
    "sqrt(sum of squares of a unit's weights)", "sum of the branches' d_x",
    "sum of the windows' shares", "the largest's position", "sum of the branches",
    "gradients of the gates times their slopes", "max over the positions",
    "mean over the positions", "of N(0, 1)", "sum of d_y by row", "sum of the shares",
    "sum of the window", "sum over the steps", "the branches side by side",
    "the largest of the window", "through sigmoid", "x with zeros around it",
    "error cut off at +-delta, / elements", "{} over the outputs",
    "epochs since the best", "epochs since the cycle began", "length of the difference",
    "mean over the outputs",
    "product of factors", "slope of the gate at s", "sum of the column", "the best so far",
    "the anchor's score, and softplus of the others added or taken away",
    "d_y of x, and sum of 2 pi frequency d_angle over the waves",
    "mean of the anchors, else inverse", "of this member", "of each member",
    "sum of kernel d_y over the units",
    "sum of kernel wave over the waves, and bias", "sum of the shares over the bins",
    "the gradient, one sign wrong", "y or 1 - y, for the right class",
}
# Written a little differently: with all parentheses, or indices where they belong.
REWRITTEN = {
    "exp(s - max s)": "exp(s - max of s)",
    "mu_(t+1) m / (1 - M_(t+1)) + (1 - mu_t) g / (1 - M_t)":
        "mu_(t + 1) m / (1 - M_(t + 1)) + (1 - mu_t) g / (1 - M_t)",
    "sum of losses w / sum of w": "sum of losses w / (sum of w)",
    "w / sum of w": "w / (sum of w)",
    "v0 (1 - t) + v1 t": "v_0 (1 - t) + v_1 t",
    "(c1 w1^2 + c2 w2^2) / 2": "(c_1 w_1^2 + c_2 w_2^2) / 2",
    "(p sum of pulls - pulls) / batch": "(p (sum of pulls) - pulls) / batch",
    "-(sum of d_x_hat) / deviation + d_variance (mean of (-2 centred))":
        "-sum of d_x_hat / deviation + d_variance (mean of -2 centred)",
}


def literals(node):
    """The texts that an expression may be; {} for what is put into one."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*literals(node.body), *literals(node.orelse))
    elif isinstance(node, ast.JoinedStr):
        yield "".join(p.value if isinstance(p, ast.Constant) else "{}" for p in node.values)


@cache
def formulas():
    """Every third argument of a `note`, and every formula that a class or penalty has."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        if path.relative_to(PACKAGE).parts[0] in ("training", "study"):
            continue
        text = path.read_text()
        for node in ast.walk(ast.parse(text)) if "note(" in text or "formula" in text else ():
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name == "note" and len(node.args) >= 3:
                    found.update(literals(node.args[2]))
            elif isinstance(node, ast.AnnAssign) and "formula" in ast.unparse(node.target):
                found.update(literals(node.value))
    return sorted(found - {""})


def test_there_are_many():
    assert len(formulas()) > 150
    assert set(formulas()) >= WORDS | set(REWRITTEN)


@pytest.mark.parametrize("text", [text for text in formulas() if text not in WORDS])
def test_every_formula_is_read_and_written_back(text):
    text = text.replace("{}", "tanh")
    assert is_formula(text)
    assert Notation().formula(text) == REWRITTEN.get(text, text)
    again = Notation().formula(Notation().formula(text))
    assert again == Notation().formula(text)


@pytest.mark.parametrize("text", sorted(WORDS))
def test_words_are_words(text):
    assert not is_formula(text)
    assert Notation().formula(text) == text
    with pytest.raises(NotAFormula):
        parsed(text)


@pytest.mark.parametrize("penalty", [ev.L1(0.1), ev.L2(0.1), ev.ElasticNet(0.1, 0.2)])
def test_the_formulas_of_penalties_are_read(penalty):
    work = work_out(ev.Dense(1), [[1, 2]], d_y=[[1]], optimizer=ev.SGD(0.1), penalty=penalty)
    own = [step for step in work.steps if "penalty" in step.name]
    assert len(own) == 2
    assert all(is_formula(step.formula) for step in own), own


@pytest.mark.parametrize(("text", "latex"), [
    ("(x - mean) / deviation", r"\frac{x - \mathrm{mean}}{\mathrm{deviation}}"),
    ("gamma x_hat + beta", r"\gamma\, \hat{x} + \beta"),
    ("x' d_y", r"x^{\top}\, \mathrm{d}y"),
    ("beta_1 m + (1 - beta_1) g", r"\beta_{1}\, m + \left(1 - \beta_{1}\right)\, g"),
    ("v / (1 - beta_2^t)", r"\frac{v}{1 - \beta_{2}^{t}}"),
    ("mean of (x - mean)^2",
     r"\operatorname{mean}\left(\left(x - \mathrm{mean}\right)^{2}\right)"),
    ("-sum of y log(y_hat)", r"-\sum y\, \log\left(\hat{y}\right)"),
    ("sum over the window of x kernel", r"\sum_{\text{the window}} x\, \mathrm{kernel}"),
    ("d_y where x > 0", r"\mathrm{d}y \quad \text{where } x > 0"),
    ("x, or slope x below 0",
     r"\begin{cases} x \\ \mathrm{slope}\, x & \text{below } 0 \end{cases}"),
    ("gain / length (d_kernel - d_gain unit)",
     r"\frac{\mathrm{gain}}{\mathrm{length}}\, \left(\mathrm{d}\,\mathrm{kernel} - "
     r"\mathrm{d}\,\mathrm{gain} \cdot \mathrm{unit}\right)"),
    ("(a / b)^2", r"\left(\frac{a}{b}\right)^{2}"),
    ("d_h f'(a)", r"\mathrm{d}h\, f'\left(a\right)"),
    ("slope d_y where 0 <= z", r"\mathrm{slope}\, \mathrm{d}y \quad \text{where } 0 \le z"),
    ("sum of x' d_y, place by place",
     r"\sum x^{\top}\, \mathrm{d}y \quad \text{place by place}"),
    ("the branches side by side", r"\text{the branches side by side}"),
])
def test_latex(text, latex):
    assert LaTeX().formula(text) == latex


@pytest.mark.parametrize("text", ["", "(", ")", "x +", "a ^", "|x", "x)", "f(", "a_(b", "=", "x[",
                                  "sum of", "max over", "-", ",", "a where", "x = y"])
def test_anything_is_written(text):
    assert Notation().formula(text) == text
    LaTeX().formula(text)


def test_names():
    assert parsed("x_hat") == Symbol("x_hat")
    symbols = {"x": "x", "epsilon": r"\varepsilon", "kernel": r"\mathrm{kernel}",
               "d_x_hat": r"\mathrm{d}\hat{x}", "running_mean": r"\mathrm{running\_mean}",
               "a_i": "a_{i}", "v_largest": r"v_{\mathrm{largest}}",
               "mean_d_x_hat": r"\mathrm{mean}_{\mathrm{d}\hat{x}}"}
    assert {name: LaTeX().symbol(name) for name in symbols} == symbols


def test_every_formula_as_latex_has_paired_braces():
    for text in set(formulas()) - WORDS:
        latex = LaTeX().formula(text)
        assert latex.count("{") == latex.count("}")
        assert latex.count(r"\left") == latex.count(r"\right")
        assert "sqrt(" not in latex
        assert "_hat" not in latex, latex
