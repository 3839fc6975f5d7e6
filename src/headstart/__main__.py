"""``headstart`` and ``python -m headstart``; so is ``accelerate launch -m headstart``."""

from headstart.console import run


def main() -> None:
    """Run the command line; Ctrl-C is heard from the first import on."""
    run(_command_line)


def _command_line() -> None:
    from headstart.cli import app

    app()


if __name__ == "__main__":
    main()
