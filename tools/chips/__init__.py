"""A generated network on emulated boards: built, run over test images, and measured."""
