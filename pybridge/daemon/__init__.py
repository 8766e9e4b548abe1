"""The daemon: a process that has PyTorch loaded and forks a fresh child for each client."""
