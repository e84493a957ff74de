"""The commands. Each stands in a file of its own and is imported when it is called."""

from __future__ import annotations

import gc
import os
import signal
import sys
import warnings
from importlib import import_module

import click

from gtok import __version__
from gtok.errors import GtokError

_COMMANDS = {
    "tokenize": "Map BED files onto a universe.",
    "matrix": "Make BED files a samples x regions matrix.",
    "fragments": "Count fragments of single cells: a cells x regions matrix.",
    "pseudobulk": "Split fragments of single cells by groups of cells: sorted, bgzip'd, indexed.",
    "universe": "Build universes, and look at them.",
    "demo": "Run the whole road on real data that comes along.",
}


class _Commands(click.Group):
    """Imports a command's file when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"gtok.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gtok", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show a traceback where an error is met.")
def _gtok(debug: bool) -> None:
    """Genomic intervals to tokens, exact and fast.

    A universe is a BED file of regions, one word of a vocabulary each; a sample's tokens are the
    regions that it overlaps. Coordinates are 0-based and half-open; `-` is standard input or
    output; gzip and bgzip are read as they are.
    """


def main(args: list[str] | None = None) -> None:
    """Run the command line.

    The exit status is 0; 1 for bad input, with one line on standard error; 2 for wrong usage.
    """
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # die as the shell's tools do
    # NumPy's linear algebra, which no command uses, starts threads at once: 50 ms.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    args = sys.argv[1:] if args is None else args
    debug = "--debug" in args
    warnings.showwarning = _show_warning
    try:
        status = _gtok.main(args=args, prog_name="gtok", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        # The shell's own way to say that Ctrl-C ended it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
        status = 130
    except Exception as error:
        if debug:
            raise
        click.echo(f"gtok: error: {_one_line(error)}", err=True)
        status = 1
    gc.freeze()  # looking for garbage in what is about to go takes longer than most commands
    sys.exit(status if isinstance(status, int) else 0)


def _one_line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        name = os.fsdecode(error.filename) if error.filename else ""
        # A file may be called what would end the line, or colour the terminal.
        shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in name)
        return f"{shown}: {error.strerror}" if name else error.strerror
    text = " ".join(str(error).split())
    if isinstance(error, (GtokError, TypeError, OSError, ImportError)) and text:
        return text
    if isinstance(error, MemoryError):
        return f"out of memory{text and ': '}{text}"
    return f"{type(error).__name__}: {text} (where, `gtok --debug ...` shows)"


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    click.echo(f"gtok: warning: {message}", err=True)
