"""The operator library: loaded or refused with a sentence, one set of schemas, usable in graphs."""

from __future__ import annotations

import importlib.util
import inspect
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from torch.library import opcheck

from napari_colorize import __version__, ops
from napari_colorize.ops import library

ROOT = Path(__file__).resolve().parents[2]
BUILT = importlib.util.find_spec("napari_colorize._C") is not None


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess:
    """Run code in a new interpreter that warns about everything."""
    return subprocess.run(
        [sys.executable, "-W", "always", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "NAPARI_COLORIZE_BACKEND": "", **environment},
        timeout=200,
        check=False,
        cwd=ROOT,
    )


def run_checked(code: str, **environment: str) -> str:
    """Return what the code prints; fail with its traceback."""
    done = run_python(code, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class TestSchemas:
    def test_python_and_cpp_declare_the_same_operators(self):
        source = (ROOT / "csrc" / "ops.cpp").read_text()
        calls = re.findall(r"library\.def\((.*?)\);", source, re.DOTALL)
        in_cpp = {"".join(re.findall(r'"([^"]*)"', call)) for call in calls}
        in_python = {operator.schema for operator in library._operators()}
        assert in_python == in_cpp
        assert len(in_cpp) == 13

    def test_twins_and_fakes_take_what_the_schema_names(self):
        for operator in library._operators():
            schema = torch._C.parse_schema(operator.schema)
            names = [argument.name for argument in schema.arguments]
            assert list(inspect.signature(operator.twin).parameters) == names, operator.name
            assert len(inspect.signature(operator.fake).parameters) == len(names), operator.name

    def test_every_operator_has_a_python_function(self):
        """A gradient's operator is reached by autograd, through the function it belongs to."""
        for operator in library._operators():
            assert callable(getattr(ops, operator.name.removesuffix("_backward")))


class TestLoading:
    def test_importing_the_package_of_operators_imports_no_torch(self):
        code = "import sys, napari_colorize.ops; print('torch' in sys.modules)"
        assert run_checked(code) == "False"

    def test_the_environment_forces_the_twins_in_silence(self):
        code = "from napari_colorize import ops; print(ops.backend())"
        done = run_python(code, NAPARI_COLORIZE_BACKEND="twin")
        assert done.stdout.strip() == "twin"
        assert "RuntimeWarning" not in done.stderr

    def test_a_misspelt_backend_is_refused(self):
        done = run_python(
            "from napari_colorize import ops; ops.backend()", NAPARI_COLORIZE_BACKEND="nativ"
        )
        assert done.returncode != 0
        assert "it can be 'native' or 'twin'" in done.stderr

    def test_a_missing_library_is_said_once_and_the_twins_serve(self):
        code = """
        import sys, torch
        sys.modules["napari_colorize._C"] = None
        from napari_colorize import ops
        ops.load(); ops.load()
        print(ops.backend(), ops.rgb_to_lab(torch.ones(1, 3))[0, 0].round().item())
        """
        done = run_python(code)
        assert done.stdout.split() == ["twin", "100.0"]
        assert done.stderr.count("RuntimeWarning") == 1
        assert "they were not built" in done.stderr

    def test_an_older_torch_is_refused_with_a_sentence(self):
        code = """
        import torch
        from napari_colorize.ops import library
        torch.__version__ = "2.10.1+cpu"
        print(library.backend())
        """
        done = run_python(code)
        assert done.stdout.strip() == "twin"
        assert "they need torch 2.11 or newer, and this is torch 2.10.1+cpu" in done.stderr

    @pytest.mark.parametrize("version", ["2.11.0", "2.14.0a0+git123", "3.0.0+cpu"])
    def test_the_oldest_and_later_torches_are_accepted(self, version):
        library._check_torch(version)

    def test_a_library_that_does_not_load_is_refused_with_its_reason(self, monkeypatch):
        def refuse(name: str) -> None:
            raise ImportError("undefined symbol: aoti_torch_something\nmore lines")

        monkeypatch.setattr(library, "import_module", refuse)
        with pytest.raises(
            library.CannotLoad, match=r"do not load .*aoti_torch_something\)\. Rein"
        ):
            library._import_native("2.13.0")

    def test_a_stale_library_is_reported(self, monkeypatch):
        class Stale:
            version = "0.0.1"
            has_cuda = False

        monkeypatch.setattr(library, "import_module", lambda name: Stale)
        with pytest.warns(RuntimeWarning, match=r"from version 0\.0\.1"):
            library._import_native("2.13.0")


native = pytest.mark.skipif(
    ops.backend() != "native", reason="the compiled library is not in use here"
)


@native
class TestNativeModule:
    def test_it_knows_its_version_and_machine(self):
        module = library.native_module()
        assert module.version == __version__
        assert re.fullmatch(r"\d+\.\d+", module.built_with_torch)
        assert isinstance(module.has_cuda, bool)
        assert module.cpu_capability() in {"x86-64-v4", "x86-64-v3", "x86-64", "baseline"}

    def test_its_bin_table_is_the_packages(self):
        from napari_colorize.ops.bins import bin_centres

        assert library.native_module().bin_table() == [tuple(row) for row in bin_centres().tolist()]

    def test_every_operator_has_a_compiled_cpu_kernel(self):
        for operator in library._operators():
            name = f"napari_colorize::{operator.name}"
            assert torch._C._dispatch_has_kernel_for_dispatch_key(name, "CPU"), name


class TestOperatorRules:
    @pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64])
    def test_rgb_to_lab(self, dtype):
        rgb = (torch.rand(2, 3, 5) * 200 / (1 if dtype == torch.uint8 else 200)).to(dtype)
        rgb.requires_grad_(dtype != torch.uint8)
        opcheck(torch.ops.napari_colorize.rgb_to_lab.default, (rgb, 1))

    @pytest.mark.parametrize("to_uint8", [False, True])
    def test_lab_to_rgb(self, to_uint8):
        lab = (torch.rand(2, 5, 3) * 50).requires_grad_(not to_uint8)
        opcheck(torch.ops.napari_colorize.lab_to_rgb.default, (lab, -1, to_uint8))

    def test_gamut_clip(self):
        lab = (torch.rand(2, 3, 5) * 100).requires_grad_()
        opcheck(torch.ops.napari_colorize.gamut_clip.default, (lab, 1))


class Recolour(torch.nn.Module):
    """Sends colours to Lab, doubles their chroma, clips and returns: all three colour operators."""

    def forward(self, rgb: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        lab = torch.ops.napari_colorize.rgb_to_lab(rgb, 1)
        vivid = torch.cat([lab[:, :1], 2 * lab[:, 1:]], 1)
        inside, clipped = torch.ops.napari_colorize.gamut_clip(vivid, 1)
        return torch.ops.napari_colorize.lab_to_rgb(inside, 1, False), clipped


READ_BACK = """
import sys, torch
from napari_colorize import ops
ops.load()
graph = {load}
rgb, expected, mask = torch.load(r"{data}")
found, clipped = graph(rgb)
assert (found - expected).abs().max() < 1e-4, (found - expected).abs().max()
assert (clipped != mask).float().mean() < 0.01
print(ops.backend())
"""


class TestGraphs:
    @pytest.fixture
    def saved(self, tmp_path):
        ops.load()
        rgb = torch.rand(2, 3, 9, 7, generator=torch.Generator().manual_seed(0))
        torch.save((rgb, *Recolour()(rgb)), tmp_path / "data.pt")
        return tmp_path

    @pytest.mark.parametrize("backend", ["native", "twin"])
    def test_a_scripted_graph_runs_in_a_new_process_on_either_backend(self, saved, backend):
        path = saved / "graph.pt"
        torch.jit.script(Recolour()).save(str(path))
        code = READ_BACK.format(load=f'torch.jit.load(r"{path}")', data=saved / "data.pt")
        expected = backend if BUILT else "twin"
        assert run_checked(code, NAPARI_COLORIZE_BACKEND=backend) == expected

    @pytest.mark.parametrize("backend", ["native", "twin"])
    def test_an_exported_graph_runs_in_a_new_process_on_either_backend(self, saved, backend):
        path = saved / "graph.pt2"
        sides = {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
        program = torch.export.export(
            Recolour(), (torch.rand(2, 3, 5, 6),), dynamic_shapes=(sides,)
        )
        torch.export.save(program, path)
        load = f'torch.export.load(r"{path}").module()'
        code = READ_BACK.format(load=load, data=saved / "data.pt")
        expected = backend if BUILT else "twin"
        assert run_checked(code, NAPARI_COLORIZE_BACKEND=backend) == expected

    def test_gradients_flow_through_a_scripted_graph(self):
        ops.load()
        rgb = (torch.rand(1, 3, 4, 4) * 0.5 + 0.2).requires_grad_()
        torch.jit.script(Recolour())(rgb)[0].sum().backward()
        scripted = rgb.grad.clone()
        rgb.grad = None
        Recolour()(rgb)[0].sum().backward()
        torch.testing.assert_close(scripted, rgb.grad)
        assert scripted.abs().max() > 0


class TestMissingGradients:
    def test_an_operator_without_one_says_why_instead_of_returning_none(self):
        operator = library.Operator(
            schema="count_colours(Tensor rgb) -> Tensor",
            twin=lambda rgb: rgb.sum(),
            fake=lambda rgb: rgb.new_empty(()),
            no_gradient="it counts",
        )
        fragment = torch.library.Library("napari_colorize_test", "FRAGMENT")
        library._bind(fragment, operator, defined=False, namespace="napari_colorize_test")
        result = torch.ops.napari_colorize_test.count_colours(torch.ones(3, requires_grad=True))
        with pytest.raises(RuntimeError, match=r"count_colours has no gradient, because it counts"):
            result.backward()
