"""Strategies: every way of the field to let sliders into a network, behind one interface."""

from .conversion import STRATEGIES, convert
from .strategy import Cost, Strategy, cost

__all__ = ["STRATEGIES", "Cost", "Strategy", "convert", "cost"]
