"""Floor 6: a trained network on its way to where it runs; nothing leaves that was not compared with the original."""
