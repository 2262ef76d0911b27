"""`lab.py completion`: shell scripts that complete commands, options, scenarios, faults and runs."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from driver.cli import options
from driver.cli.main import COMPLETE_VARIABLE
from driver.terminal import print_lines

_BASH = """\
_stormlab_complete() {{
    local IFS=$'\\n' line
    COMPREPLY=()
    for line in $(COMP_WORDS="${{COMP_WORDS[*]}}" COMP_CWORD=$COMP_CWORD {variable}=bash_complete \
{program} 2>/dev/null); do
        case "$line" in
            plain,*) COMPREPLY+=("${{line#plain,}}") ;;
            file,*) compopt -o default ;;
            dir,*) compopt -o dirnames ;;
        esac
    done
}}
complete -o nosort -F _stormlab_complete {names}
"""
_ZSH = """\
_stormlab_complete() {{
    local -a plain described
    local kind name help
    for kind name help in "${{(@f)$(COMP_WORDS="${{words[*]}}" COMP_CWORD=$((CURRENT-1)) \
{variable}=zsh_complete {program} 2>/dev/null)}}"; do
        case "$kind" in
            plain) if [[ "$help" == "_" ]]; then plain+=("$name"); else described+=("$name:$help"); fi ;;
            file) _path_files -f ;;
            dir) _path_files -/ ;;
        esac
    done
    (( $#described )) && _describe -V unsorted described -U
    (( $#plain )) && compadd -U -V unsorted -a plain
}}
compdef _stormlab_complete {names}
"""
_FISH = """\
function _stormlab_complete
    for line in (COMP_WORDS=(commandline -cp) COMP_CWORD=(commandline -t) {variable}=fish_complete \
{program} 2>/dev/null)
        set -l parts (string split -m 1 , -- $line)
        switch $parts[1]
            case plain
                echo $parts[2]
            case file
                __fish_complete_path $parts[2]
            case dir
                __fish_complete_directories $parts[2]
        end
    end
end
for name in {names}
    complete --no-files --command $name --arguments "(_stormlab_complete)"
end
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(SCRIPTS)))
@options.log_level
def command(shell: str) -> None:
    """Print the script for SHELL that completes commands, options, scenarios, faults and runs at the Tab key.

    \b
    bash, in ~/.bashrc:  eval "$(./lab.py completion bash)"
    zsh, in ~/.zshrc:    eval "$(./lab.py completion zsh)"     (after compinit)
    fish:                ./lab.py completion fish > ~/.config/fish/completions/lab.py.fish

    It completes the command by the name that you called: `./lab.py`, or `stormlab`; not `python lab.py`.
    """
    print_lines(script(shell, Path(sys.argv[0]).resolve()).splitlines())


def script(shell: str, program: Path) -> str:
    """Return the shell's script for a program at this path."""
    call = shlex.join([sys.executable, str(program)])
    return SCRIPTS[shell].format(variable=COMPLETE_VARIABLE, program=call, names=program.name)
