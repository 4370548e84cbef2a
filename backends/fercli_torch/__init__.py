"""The networks of model.json in PyTorch."""
