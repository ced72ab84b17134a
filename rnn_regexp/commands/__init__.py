"""What a user can ask for: one file a command. None of them knows Hydra."""
