"""Windows of real prices, driven through the oracle and the margin model."""
