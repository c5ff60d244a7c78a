"""Comparison of control strategies: same backbone, data, budget and seed for every one of them."""
