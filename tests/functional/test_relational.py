import numpy as np
from scipy.optimize import check_grad
from scipy.spatial.distance import pdist
from scipy.stats import special_ortho_group

from headstart.functional.relational import Relations, draw_relations, relational_loss


def test_the_slope_is_the_derivative():
    rng = np.random.default_rng(0)
    x, teacher, relations = rng.normal(size=(7, 2)), rng.normal(size=(7, 3)), draw_relations(7, 100)

    def value(flat):
        return relational_loss(flat.reshape(7, 2), teacher, relations)[0]

    def slope(flat):
        return relational_loss(flat.reshape(7, 2), teacher, relations)[1].ravel()

    assert check_grad(value, slope, x.ravel()) < 1e-6


def test_distances_agree_with_scipy():
    rng = np.random.default_rng(1)
    x, teacher = rng.normal(size=(9, 2)), rng.normal(size=(9, 4))
    relations = draw_relations(9, 1000)
    gap = pdist(x) / pdist(x).mean() - pdist(teacher) / pdist(teacher).mean()
    huber = np.where(np.abs(gap) <= 1, gap**2 / 2, np.abs(gap) - 0.5).mean()
    assert len(relations.pairs) == 36
    assert np.isclose(relational_loss(x, teacher, relations, angles=0.0)[0], huber)


def test_rotation_shift_and_scale_change_nothing():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(20, 3))
    moved = 5 * x @ special_ortho_group.rvs(3, random_state=0) + 7
    assert relational_loss(moved, x, draw_relations(20, 500))[0] < 1e-12
    assert relational_loss(rng.normal(size=(20, 3)), x, draw_relations(20, 500))[0] > 0.01


def test_a_right_angle_against_a_straight_one():
    bent, straight = np.array([[1.0, 0], [0, 0], [0, 1]]), np.array([[1.0, 0], [0, 0], [-1, 0]])
    relations = Relations(np.array([[0, 1], [1, 2]]), np.array([[0, 1, 2]]))
    assert np.isclose(relational_loss(bent, straight, relations, angles=1.0)[0], 0.5)


def test_drawn_relations_join_different_samples():
    relations = draw_relations(5000, 2000, seed=3)
    assert len(relations.pairs) == 2000
    assert (relations.pairs[:, 0] != relations.pairs[:, 1]).all()
    assert all(len(set(triple)) == 3 for triple in relations.triples)
    assert len(draw_relations(2, 10).triples) == 0
