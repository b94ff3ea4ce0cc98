"""Muon for the matrices of the blocks, AdamW for everything else.

Muon (Jordan 2024) replaces a matrix's momentum by the nearest matrix whose singular values are all
about one. Directions in which gradients are small then move as fast as the others, and copying a
name from far back in the text, which such a small model learns late, is learned in fewer steps.
"""

import torch

MUON_RATE, ADAM_RATE = 0.01, 1e-3
MOMENTUM, DECAY = 0.95, 0.1
# Of the odd polynomial a x + b x^3 + c x^5 that is applied to all singular values at once, chosen
# by Muon's author to lift small values fast; five rounds bring them to between 0.7 and 1.2.
POLYNOMIAL, ROUNDS = (3.4445, -4.7750, 2.0315), 5


def orthogonalized(matrices):
    """Each of the stacked matrices, (count, rows, columns), with its singular values near one."""
    a, b, c = POLYNOMIAL
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.bfloat16()
    x = x.mT if tall else x
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(ROUNDS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return (x.mT if tall else x).float()


class Optimizer:
    """Steps all parameters of a model; `factor` scales both learning rates."""

    def __init__(self, model):
        self.by_shape = {}
        for block in model.blocks:
            for weight in block.parameters():
                if weight.dim() == 2:
                    self.by_shape.setdefault(weight.shape, []).append(weight)
        self.momentum = {
            shape: torch.zeros(len(weights), *shape) for shape, weights in self.by_shape.items()
        }
        others = [weight for weight in model.parameters() if weight.dim() == 1]
        others.append(model.embedding.weight)
        self.adam = torch.optim.AdamW(
            others, lr=ADAM_RATE, betas=(0.9, 0.98), weight_decay=0.0, fused=True
        )

    @torch.no_grad()
    def step(self, factor):
        for shape, weights in self.by_shape.items():
            gradients = torch.stack([weight.grad for weight in weights])
            self.momentum[shape].lerp_(gradients, 1 - MOMENTUM)
            updates = orthogonalized(gradients.lerp_(self.momentum[shape], MOMENTUM))
            rate = MUON_RATE * factor
            size = max(1, shape[0] / shape[1]) ** 0.5
            for weight, update in zip(weights, updates):
                weight.mul_(1 - rate * DECAY).sub_(update, alpha=rate * size)
        for group in self.adam.param_groups:
            group["lr"] = ADAM_RATE * factor
        self.adam.step()
