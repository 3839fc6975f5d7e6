import pytest

from headstart.errors import UserError
from headstart.workflow.options import FitOptions


def test_options_survive_json():
    options = FitOptions(source="headstart/glyphs", depth="2", arms=("scratch", "chosen"), seeds=3)
    assert FitOptions.from_json(options.to_json()) == options


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"budget": "soon"}, "--budget 'soon'"),
        ({"budget": "0s"}, "--budget '0s'"),
        ({"depth": "deep"}, "--depth 'deep'"),
        ({"task": "clasification"}, "did you mean 'classification'"),
        ({"modality": "picture"}, "--modality 'picture'"),
        ({"views": 0}, "--views is 0"),
        ({"seeds": -1}, "--seeds is -1"),
        ({"batch_size": 0}, "--batch-size is 0"),
        ({"learning_rate": -1.0}, "--learning-rate is -1.0"),
    ],
)
def test_wrong_values_are_refused_in_one_sentence(wrong, words):
    with pytest.raises(UserError) as caught:
        FitOptions(source="headstart/glyphs", **wrong)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_option_has_one_name_at_every_door():
    import inspect
    from dataclasses import fields

    from headstart import cli
    from headstart.workflow.fit import fit

    # Several of ``source`` are kept as ``sources``; ``label`` as ``labels``; the source of `pretrain` as ``carried``;
    # how many data were given is kept as ``data_sets``.
    pretrains = {"ways", "left", "right", "pretrained", "teacher", "carried", "judge"}
    options = {field.name for field in fields(FitOptions)} - {"sources", "labels", "data_sets"} - pretrains
    assert pretrains - {"carried"} <= set(inspect.signature(cli.pretrain).parameters)
    python, typed = set(inspect.signature(fit).parameters), set(inspect.signature(cli.fit).parameters)
    assert options <= python
    assert options <= typed
    assert typed - {"json_", "config"} <= python


def test_help_documents_every_argument_of_fit():
    import inspect
    import re

    import headstart as hs

    described = re.findall(r"^    ([a-z_, ]+) : ", inspect.getdoc(hs.fit).replace("\n", "\n    "), flags=re.M)
    named = [name.strip() for entry in described for name in entry.split(",")]
    assert sorted(named) == sorted(inspect.signature(hs.fit).parameters)
