"""Where the settings come from: the environment, and a file `.env` in the repository for what it does not set."""

from pathlib import Path

from config.environment import Environment

BASE_DIR = Path(__file__).resolve().parent.parent.parent
env = Environment()
Environment.read_env(BASE_DIR / ".env", overwrite=False)
