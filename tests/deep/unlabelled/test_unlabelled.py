"""Methods that learn without labels: the laws, and what their papers state on cases small enough to count."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from headstart import catalogue
from headstart.catalogue.unlabelled import UNLABELLED
from headstart.checks import create_trial
from headstart.checks.contract import check_contract
from headstart.checks.methods import check_gradients, check_parameters, check_repeatable, check_saved
from headstart.checks.states import assert_same, weights
from headstart.checks.writing import check_writing
from headstart.data.batches import Batch, Samples
from headstart.deep.blind import spoiled, swapped
from headstart.errors import UserError
from headstart.functional.contrast import covariance, cross_correlation, normalised_temperature, spread_missing
from headstart.networks import build
from headstart.networks.decoders import build_decoder, decoder_of
from headstart.networks.glyphs import glyphs_spec
from headstart.networks.image_preprocess import ImagePreprocess
from headstart.networks.token_decoder import encode_visible
from headstart.tasks.nothing import NoTask

ON_ROWS = [entry.name for entry in UNLABELLED if entry.name not in ("mae", "dcgan")]


WHOLE = ("vae", "scarf")
"""Of those that draw and those that contrast, one that stands for all in the laws that train."""


def pictures(n=6):
    return Batch(Samples(torch.rand(n, 1, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1))


def rows(n=8, words=1):
    made = torch.Generator().manual_seed(0)
    x = {
        "numeric": torch.randn(n, 3, generator=made),
        "missing": (torch.rand(n, 3, generator=made) < 0.3).float(),
        "categorical": torch.randint(0, 4, (n, words), generator=made),
    }
    return x | {"numeric": x["numeric"] * (1 - x["missing"])}


@pytest.mark.parametrize("name", ON_ROWS)
def test_laws(name):
    def factory():
        return catalogue.create(name)

    trial = create_trial("regression")
    check_writing(type(factory()))
    check_parameters(factory())
    check_gradients(factory(), trial)
    if name in WHOLE:
        check_repeatable(factory, trial)
        check_saved(factory(), trial)
        check_contract(factory, trial)
    assert set(catalogue.get(name).needs) == factory().needs


def test_a_batch_of_two_stays_finite():
    for name in (*WHOLE, "vicreg", "barlow"):
        found = weights(create_trial().train(catalogue.create(name), steps=3, batch_size=2).network)
        assert all(tensor.isfinite().all() for tensor in found.values()), name


def test_without_noise_a_denoising_autoencoder_is_an_autoencoder_bit_for_bit():
    trial, whole = create_trial(), {"code": None}
    denoising = catalogue.create("denoising", None, {"swap": 0.0, **whole})
    plain = catalogue.create("autoencoder", None, whole)
    x = trial.batch(8).target
    assert torch.equal(spoiled(x.x, 0.0, 0.0)["numeric"], x.x["numeric"])
    assert torch.equal(spoiled(pictures().target.x, 0.0, 0.9), pictures().target.x)
    first, second = (method.build(trial.network(), NoTask()) for method in (denoising, plain))
    second.load_state_dict(first.state_dict())
    losses = [m.loss(nets.eval(), Batch(x), 0.0) for m, nets in ((denoising, first), (plain, second))]
    assert torch.equal(losses[0]["reconstruction"], losses[1]["reconstruction"])


def test_the_contrast_is_the_papers_sum():
    z, w = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(0))
    views = torch.nn.functional.normalize(torch.cat([z, w]), dim=1).double()
    total = 0.0
    for a in range(8):
        e = [float(torch.exp(views[a] @ views[c] / 0.5)) for c in range(8)]
        total -= np.log(e[(a + 4) % 8] / (sum(e) - e[a]))
    assert float(normalised_temperature(z, w, 0.5)) == pytest.approx(total / 8, rel=1e-5)


def test_variance_covariance_and_correlation_are_numpys():
    z, w = torch.randn(2, 9, 4, generator=torch.Generator().manual_seed(1)).double()
    found = np.cov(z.numpy().T)
    off = found - np.diag(np.diag(found))
    assert float(covariance(z)) == pytest.approx((off**2).sum() / 4)
    spread = np.maximum(0, 1 - np.sqrt(np.diag(found) + 1e-4)).mean()
    assert float(spread_missing(z)) == pytest.approx(spread)
    both = np.corrcoef(z.numpy().T, w.numpy().T)[:4, 4:]
    assert cross_correlation(z, w).numpy() == pytest.approx(both, abs=1e-4)
    assert float(spread_missing(torch.zeros(5, 3))) == pytest.approx(0.99)  # a collapse costs most


def test_swapped_cells_are_of_their_own_column_and_take_their_missing_mark_along():
    x = rows(60)
    torch.manual_seed(0)
    moved = swapped(x, 0.5)
    changed = (moved["numeric"] != x["numeric"]).float().mean()
    assert 0.3 < float(changed) < 0.6
    for column in range(3):
        pairs = {(float(v), float(m)) for v, m in zip(x["numeric"][:, column], x["missing"][:, column], strict=True)}
        now = zip(moved["numeric"][:, column], moved["missing"][:, column], strict=True)
        assert {(float(v), float(m)) for v, m in now} <= pairs
    assert torch.equal(swapped(x, 0.0)["categorical"], x["categorical"])


def test_an_error_of_a_row_is_a_mean_over_the_cells_that_it_has():
    decoder = build_decoder({"kind": "table", "n_features": 5, "code": 2, "numeric": 3, "sizes": [3]})
    x = rows(2)
    x["missing"] = torch.tensor([[0.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
    x["categorical"] = torch.tensor([[2], [0]])
    decoded = torch.tensor([[0.0, 0.0, 50.0, 0.0, 0.0, 0.0], [9.0, 9.0, 9.0, 0.0, 0.0, 0.0]])
    x["numeric"] = torch.tensor([[1.0, 2.0, 0.0], [0.0, 0.0, 0.0]])
    found = decoder.errors(decoded, x)
    assert found.tolist() == pytest.approx([(1 + 4 + np.log(3)) / 3, 0.0], rel=1e-5)


def test_a_mask_hides_its_share_and_what_is_seen_is_not_asked_for():
    method = catalogue.create("mae")
    x = pictures().target.x
    hidden = method.hidden(x)
    assert hidden.shape == (6, 1, 32, 32)
    assert hidden.mean(dim=(1, 2, 3)).tolist() == pytest.approx([38 / 64] * 6)
    network = build(glyphs_spec())
    nets = method.build(network, NoTask())
    seen = []
    network.stages["stem"].register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    torch.manual_seed(3)
    loss = method.loss(nets, Batch(Samples(x)), 0.0)["reconstruction"]
    torch.manual_seed(3)
    mask = method.hidden(x)
    assert not (seen[0] * mask).any()
    decoded = nets.decoder(network.features(x * (1 - mask)))
    assert float(loss.detach()) == pytest.approx(float(((decoded - x)[mask.bool()] ** 2).mean().detach()), rel=1e-4)
    loss.backward()
    assert network.stages["stem"][0].weight.grad.any()


@pytest.fixture(scope="module")
def vit():
    spec = {"family": "timm", "name": "vit_tiny_patch16_224", "options": {"img_size": 32, "patch_size": 8, "depth": 2,
            "embed_dim": 24, "num_heads": 2, "in_chans": 1}, "preprocess": ImagePreprocess(
            size=32, channels=1, mean=(0.5,), std=(0.5,)).to_json()}  # fmt: skip
    torch.manual_seed(0)
    return build(spec)


def test_a_transformer_computes_on_what_is_visible_alone(vit):
    method, x = catalogue.create("mae"), pictures().target.x
    nets = method.build(vit, NoTask())
    assert not hasattr(nets, "decoder")
    lengths = []
    handle = vit.stages["block1"].register_forward_pre_hook(lambda module, given: lengths.append(given[0].shape[1]))
    loss = method.loss(nets, Batch(Samples(x)), 0.0)["reconstruction"]
    handle.remove()
    assert lengths == [1 + 4]  # the class token, and a quarter of the 16 patches
    loss.backward()
    assert all(one.grad is not None for one in nets.tokens.parameters())
    assert vit.stages["embed"].vit.patch_embed.proj.weight.grad.any()
    seen = torch.tensor([[3, 5]]).expand(len(x), -1)
    changed = x.clone()
    changed[:, :, :8, :8] += 1.0  # patch 0, which is hidden
    with torch.no_grad():
        assert torch.equal(encode_visible(vit, x, seen), encode_visible(vit, changed, seen))
        every = torch.arange(16).expand(len(x), -1)
        whole = vit.stages["embed"](x)
        for name in vit.stage_names[1:]:
            whole = vit.stages[name](whole)
        assert torch.allclose(encode_visible(vit, x, every), whole[:, 1:], atol=1e-5)
        moved = torch.arange(16).flip(0).expand(len(x), -1)
        assert torch.allclose(nets.tokens(whole[:, 1:].flip(1), moved), nets.tokens(whole[:, 1:], every), atol=1e-5)
    wanted = nets.tokens.wanted(x)[0, 5]  # the second patch of the second row
    patch = x[0, 0, 8:16, 8:16]
    assert torch.allclose(wanted.view(8, 8), (patch - patch.mean()) / patch.std(correction=0), atol=1e-3)


def test_the_divergence_is_that_of_normal_distributions():
    method = catalogue.create("vae", None, {"code": 3, "beta": 1.0})
    nets = method.build(build(glyphs_spec()), NoTask())
    batch = pictures(2)
    features = nets.network.features(batch.target.x)
    mean, spread = nets.decoder.encode(features), (nets.spread(features) / 2).exp()
    standard = torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(mean))
    wanted = torch.distributions.kl_divergence(torch.distributions.Normal(mean, spread), standard).sum(1).mean()
    assert float(method.loss(nets, batch, 0.0)["divergence"]) == pytest.approx(float(wanted), rel=1e-4)


def test_what_cannot_be_reconstructed_or_masked_is_refused():
    table = create_trial().network()
    with pytest.raises(UserError, match="hides patches of pictures"):
        catalogue.create("mae").build(table, NoTask())
    with pytest.raises(UserError, match="swaps the cells"):
        catalogue.create("scarf").build(build(glyphs_spec()), NoTask())
    with pytest.raises(UserError, match="expected 1 to"):
        decoder_of(table, 0)


def test_training_makes_reconstructions_better():
    trial, method = create_trial(n=16), catalogue.create("autoencoder", None, {"code": 4})
    told = trial.train(method, steps=60, batch_size=16).history
    assert told[-1]["train_loss"] < 0.6 * told[0]["train_loss"]
    assert_same(weights(trial.network().head), weights(trial.train(method, steps=2).network.head), "the head")
