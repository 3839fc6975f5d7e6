"""A model across domains leaves as ONNX where it is linear in its features, and says what else there is where not."""

import numpy as np
import onnxruntime
import pandas as pd
import pytest

from headstart.choice.blend import Blend
from headstart.errors import UserError
from headstart.models.as_network import affine, linear_members
from headstart.shallow.features.coral import Coral
from headstart.shallow.features.tca import TCA
from headstart.workflow.export import export
from headstart.workflow.fit import fit


def domain(seed, shift, n=80):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    frame = pd.DataFrame(rng.normal(size=(n, 3)) + 2 * np.eye(3)[y] + shift, columns=list("abc"))
    frame["town"] = rng.choice(["Bonn", "Lyon"], n)
    frame.loc[:4, "b"] = np.nan
    frame["mood"] = np.array(["calm", "sad", "wild"])[y]
    frame["level"] = frame["a"].fillna(0) * 2 + rng.normal(size=n)
    return frame


def answers(path, frame):
    """Ask the exported file as its card says: raw numbers, and numbers of categories from 1."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    towns = frame["town"].map({"Bonn": 1, "Lyon": 2}).fillna(0).astype(np.int64).to_numpy()[:, None]
    return session.run(None, {"numeric": frame[list("abc")].to_numpy(np.float64), "categorical": towns})[0]


@pytest.mark.slow
@pytest.mark.parametrize(("label", "dropped"), [("mood", "level"), ("level", "mood")])
def test_a_linear_model_leaves_with_the_same_answers(label, dropped, tmp_path):
    source, target = (domain(seed, shift).drop(columns=dropped) for seed, shift in ((0, 0.0), (1, 1.0)))
    run = fit(target, source_data=source, label=label, method="coral", out=tmp_path / "run", quiet=True)
    path = export(tmp_path / "run", out=tmp_path / "model.onnx")
    new = target.drop(columns=label).assign(town="elsewhere")
    np.testing.assert_allclose(answers(path, new), run.model.predict_proba(new), atol=1e-4)


def test_what_is_not_linear_is_refused_with_another_way(tmp_path):
    source, target = (domain(seed, shift).drop(columns="level") for seed, shift in ((0, 0.0), (1, 1.0)))
    run = fit(
        target,
        source_data=source,
        label="mood",
        method="easytl",
        target_labels="learn",
        out=tmp_path / "run",
        quiet=True,
    )
    assert linear_members(run.model.estimator) is None
    with pytest.raises(UserError, match="cannot become ONNX; `headstart predict` answers with it"):
        export(tmp_path / "run")
    assert not (tmp_path / "run" / "model" / "model.onnx").exists()


def test_a_map_is_affine_or_is_not():
    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.normal(size=(40, 4)), rng.normal(size=(40, 4)) * 3 + 1])
    domains = np.repeat([1, -1], 40)
    coral = Coral().fit(rows, sample_domain=domains)
    matrix, shift = affine(coral, 4)
    np.testing.assert_allclose(rows[40:] @ matrix + shift, coral.transform(rows[40:], sample_domain=domains[40:]))
    assert affine(TCA(kernel="rbf").fit(rows, sample_domain=domains), 4) is None


def test_shares_of_a_blend_multiply_and_one_member_that_is_not_linear_spoils_it():
    assert linear_members(Blend((object(),), (1.0,))) is None
    assert linear_members(Blend((), ())) == []
