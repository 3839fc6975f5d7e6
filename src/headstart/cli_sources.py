"""``headstart sources``: what can be named after --source, and the user's own library."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headstart.cli_options import AsJson, RunFolder, show

app = typer.Typer(
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
Name = Annotated[str, typer.Argument(help="Name in the library, with or without mine: in front.", metavar="NAME")]


@app.callback()
def sources(
    context: typer.Context,
    mine: Annotated[bool, typer.Option("--mine", help="Your own: every finished run, with what it gave.")] = False,
    json_: AsJson = False,
) -> None:
    """List what can be named after --source; add, remove or show a source of your own library."""
    if context.invoked_subcommand is not None:
        return
    from headstart.networks import list_sources
    from headstart.workflow.listing import library_lines, source_lines

    if mine:
        from headstart import library

        own = library.mine()
        show([one.to_json() for one in own], json_, [] if json_ else library_lines(own))
        return
    rows = list_sources()
    show(rows, json_, [] if json_ else source_lines(rows))


@app.command()
def add(
    run: RunFolder,
    name: Annotated[str | None, typer.Option("--name", help="By default the folder's name.")] = None,
    json_: AsJson = False,
) -> None:
    """Add a finished run to your library; every fit does it by itself."""
    from headstart.workflow.listing import library_lines
    from headstart.workflow.registering import add as add_run

    found = add_run(Path(run), name)
    show(found.to_json(), json_, library_lines([found]))


@app.command()
def remove(name: Name) -> None:
    """Forget a source of your library; its folder stays."""
    from headstart import library

    library.remove(name.removeprefix(library.PREFIX))


@app.command("show")
def show_one(name: Name, json_: AsJson = False) -> None:
    """Show all that is known of a source of your library."""
    from headstart import library
    from headstart.workflow.listing import known_lines

    found = library.get(name)
    show(found.to_json(), json_, known_lines(found))
